"""The build folder: what is kept is whole, is found again, and does not pile up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from democd.digests import file_digest, kept_digest
from democd.errors import BuildError
from democd.inputs import key_of
from democd.workspace import KEPT_PER_STEP, Workspace


def writes(text: str, calls: list[str] | None = None):
    def make(folder: Path) -> None:
        if calls is not None:
            calls.append(text)
        (folder / "out").write_text(text)

    return make


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "build")
    with made.locked():
        pass
    return made


def test_a_result_is_made_once(workspace: Workspace) -> None:
    calls: list[str] = []
    first = workspace.step("layer", {"level": 3}, writes("a", calls))
    again = workspace.step("layer", {"level": 3}, writes("b", calls))
    other = workspace.step("layer", {"level": 4}, writes("c", calls))
    assert calls == ["a", "c"]
    assert first == again
    assert (first.path / "out").read_text() == "a"
    assert (other.path / "out").read_text() == "c"


def test_a_step_that_fails_leaves_nothing(workspace: Workspace) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise BuildError("no")

    with pytest.raises(BuildError, match="no"), workspace.locked():
        workspace.step("layer", {}, fail)
    assert list(workspace.steps.iterdir()) == []
    assert list(workspace.tmp.iterdir()) == []


def test_killed_in_the_middle_and_built_again(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from democd.workspace import Workspace
workspace = Workspace(Path({str(tmp_path)!r}))
def make(folder):
    (folder / "out").write_text("half")
    print("half", flush=True)
    time.sleep(60)
with workspace.locked():
    workspace.step("root", {{}}, make)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "half\n"
    with pytest.raises(BuildError, match="another build"), Workspace(tmp_path).locked():
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    workspace = Workspace(tmp_path)
    assert list(workspace.steps.iterdir()) == []
    with workspace.locked():
        assert list(workspace.tmp.iterdir()) == []
        made = workspace.step("root", {}, writes("whole"))
    assert (made.path / "out").read_text() == "whole"


def test_a_result_made_anew_makes_anew_what_was_made_of_it(workspace: Workspace) -> None:
    old = workspace.step("root", {}, writes("packages of May"))
    calls: list[str] = []
    workspace.step("layer", {"root": old}, writes("layer of May", calls))
    new = workspace.step("root", {}, writes("packages of June"), anew=True)
    layer = workspace.step("layer", {"root": new}, writes("layer of June", calls))
    assert (new.path / "out").read_text() == "packages of June"
    assert (layer.path / "out").read_text() == "layer of June"
    # ... and the new one is kept like any other.
    assert workspace.step("root", {}, writes("never")) == new
    workspace.step("layer", {"root": new}, writes("never", calls))
    assert calls == ["layer of May", "layer of June"]


def test_only_the_last_few_results_of_a_step_are_kept(workspace: Workspace) -> None:
    other = workspace.step("layer-dom0", {}, writes("other step"))
    for number in range(KEPT_PER_STEP + 2):
        made = workspace.step("layer", {"number": number}, writes(str(number)))
        os.utime(made.path, (number, number))  # as if made one after the other
    made = workspace.step("layer", {"number": 99}, writes("newest"))
    kept = sorted((path / "out").read_text() for path in workspace.steps.glob("layer-*"))
    assert kept == sorted(["3", "4", "5", "newest", "other step"])
    assert other.path.is_dir()
    assert list(workspace.tmp.iterdir()) == []


def test_a_result_in_use_stays_however_old(workspace: Workspace) -> None:
    first = workspace.step("layer", {"number": 0}, writes("in use"))
    os.utime(first.path, (0, 0))
    for number in range(1, 2 * KEPT_PER_STEP):
        assert workspace.step("layer", {"number": 0}, writes("never")) == first
        time.sleep(0.002)
        workspace.step("layer", {"number": number}, writes("new"))
        assert first.path.is_dir()


def test_a_key_goes_by_content(tmp_path: Path) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    (folder / "motd").write_text("hello\n")
    before = key_of({"overlay": folder, "level": 3})

    moved = folder.rename(tmp_path / "elsewhere")
    os.utime(moved / "motd", (0, 0))
    (moved / "motd").chmod(0o640)
    assert key_of({"level": 3, "overlay": moved}) == before, "neither place, time nor umask count"

    changes = {
        "content": lambda: (moved / "motd").write_text("Hello\n"),
        "execute bit": lambda: (moved / "motd").chmod(0o755),
        "name": lambda: (moved / "motd").rename(moved / "issue"),
        "empty folder": lambda: (moved / "etc").mkdir(),
        "symlink": lambda: (moved / "link").symlink_to("issue"),
    }
    seen = {before}
    for what, change in changes.items():
        change()
        key = key_of({"overlay": moved, "level": 3})
        assert key not in seen, what
        seen.add(key)


def test_a_key_of_something_without_a_content_is_a_bug() -> None:
    with pytest.raises(TypeError):
        key_of({"when": time.gmtime})


def test_a_digest_is_read_anew_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "base.squashfs"
    path.write_bytes(b"one")
    assert kept_digest(path) == file_digest(path) == kept_digest(path)
    time.sleep(0.06)  # now its time tells it from what is written later
    assert kept_digest(path) == file_digest(path)
    status = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert kept_digest(path) == file_digest(path)
    assert list(tmp_path.iterdir()) == [path]


def test_results_on_another_file_system_are_refused_in_words(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this host has no second file system to write to")
    with tempfile.TemporaryDirectory(dir=other) as elsewhere:
        (tmp_path / "steps").symlink_to(elsewhere)
        workspace = Workspace(tmp_path)
        with workspace.locked(), pytest.raises(BuildError, match="on two file systems"):
            workspace.step("layer", {}, writes("a"))
        assert list(Path(elsewhere).iterdir()) == []


def test_who_waits_for_another_build_is_told_so(tmp_path: Path) -> None:
    said: list[str] = []
    first, second = Workspace(tmp_path), Workspace(tmp_path, wait=True, say=said.append)
    order: list[str] = []

    def work() -> None:
        with second.locked():
            order.append("second")

    with first.locked():
        waiting = threading.Thread(target=work)
        waiting.start()
        while not said:
            time.sleep(0.01)
        order.append("first")
    waiting.join()
    assert said == [f"waiting for another build in {tmp_path}"]
    assert order == ["first", "second"]


def test_what_is_kept_is_known_before_it_is_asked_for(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.locked():
        assert not workspace.keeps("step", {"a": 1})
        workspace.step("step", {"a": 1}, lambda folder: None)
        assert workspace.keeps("step", {"a": 1})
        assert not workspace.keeps("step", {"a": 2})
