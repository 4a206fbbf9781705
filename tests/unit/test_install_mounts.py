"""Mounts that last as long as a plan: real ones, in a namespace that nobody else sees."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.namespaces import alone
from tests.support.traces import wait_for
from xendemo.errors import Failure
from xendemo.install import mounts
from xendemo.install.log import Log
from xendemo.install.mounts import Mounts, mounted
from xendemo.install.steps import Mount

ODD = "a b\tc\\d\ne"  # what mountinfo writes as octal numbers


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(str(tmp_path / "log"))
    yield log
    log.close()


def memory(path: Path, options: str = "") -> Mount:
    return Mount("mount", "none", str(path), "tmpfs", options)


def bound(source: Path, path: Path, how: str = "bind") -> Mount:
    return Mount("mount", str(source), str(path), options=how)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_mounted_is_known_by_any_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    assert mounted("/proc")
    assert mounted("/proc/")
    assert mounted("/")
    assert mounted(str(tmp_path / "link"))
    assert not mounted("/proc/self")
    assert not mounted(str(tmp_path))
    assert not mounted(str(tmp_path / "nothing"))


def test_a_name_with_blanks_is_found(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        at = Mounts(log)
        assert not mounted(str(tmp_path / ODD))
        at.mount(memory(tmp_path / ODD))
        assert mounted(str(tmp_path / ODD))
        assert at.unmount() == []
        assert not (tmp_path / ODD).exists()

    alone(work)


def test_folders_to_mount_at_come_and_go(log: Log, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()

    def work() -> None:
        at = Mounts(log)
        for name in ("there", "a/b/c"):
            at.mount(memory(tmp_path / name))
            (tmp_path / name / "file").write_text("in memory")
        assert at.unmount() == []
        assert not mounted(str(tmp_path / "there"))
        assert names(tmp_path) == ["log", "there"]
        assert names(tmp_path / "there") == []

    alone(work)


def test_a_folder_that_somebody_has_put_something_into_stays(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        at = Mounts(log)
        at.mount(memory(tmp_path / "a/b"))
        (tmp_path / "a/other").write_text("theirs")
        assert at.unmount() == []
        assert names(tmp_path / "a") == ["other"]

    alone(work)


def test_what_lies_on_another_goes_first(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        at = Mounts(log)
        at.mount(memory(tmp_path / "root"))
        at.mount(memory(tmp_path / "root/boot"))
        at.mount(bound(tmp_path / "root/boot", tmp_path / "root/again"))
        assert at.unmount() == []
        assert not (tmp_path / "root").exists()

    alone(work)


def test_what_is_mounted_there_already_stays(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
        at = Mounts(log)
        with pytest.raises(Failure, match=f"something is mounted at {tmp_path} already"):
            at.mount(memory(tmp_path))
        assert at.unmount() == []
        assert mounted(str(tmp_path))

    alone(work)


def test_what_cannot_be_mounted_is_told_and_leaves_no_folder(log: Log, tmp_path: Path) -> None:
    """Whoever we are: there is no such device."""
    at = Mounts(log)
    with pytest.raises(Failure, match="mount failed with status") as caught:
        at.mount(Mount("mount", "/dev/none-such", str(tmp_path / "a/b"), "ext4"))
    told = caught.value.pairs[0][1].splitlines()
    assert told[0].startswith("mount: ")  # its own words
    assert at.unmount() == []
    assert names(tmp_path) == ["log"]
    assert told[0] in (tmp_path / "log").read_text()


def test_only_devices_that_can_be_written_to_are_flushed(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        at = Mounts(log)
        at.mount(memory(tmp_path / "memory"))
        at.mount(bound(Path("/dev/shm"), tmp_path / "device"))
        at.mount(bound(Path("/dev/shm"), tmp_path / "looked at", "ro,bind"))
        assert at.written() == [str(tmp_path / "device")]
        assert at.unmount() == []

    alone(work)


def test_what_is_busy_for_a_moment_is_waited_for(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        at = Mounts(log)
        at.mount(memory(tmp_path / "a"))
        held = open(tmp_path / "a/file", "w")  # noqa: PTH123, SIM115

        def let_go() -> None:
            wait_for(lambda: "status 32" in (tmp_path / "log").read_text(), 60)
            held.close()

        letting_go = threading.Thread(target=let_go)
        letting_go.start()
        assert at.unmount() == []
        letting_go.join()
        assert not mounted(str(tmp_path / "a"))
        assert "status 32" in (tmp_path / "log").read_text()

    alone(work)


def test_what_stays_busy_goes_later_and_that_is_told(log: Log, tmp_path: Path) -> None:
    def work() -> None:
        mounts.PATIENCE = 1
        at = Mounts(log)
        at.mount(memory(tmp_path / "a"))
        with (tmp_path / "a/file").open("w") as held:
            assert at.unmount() == [f"{tmp_path}/a was busy: it goes when it is not"]
            assert not mounted(str(tmp_path / "a"))
            held.write("still works")
        assert not (tmp_path / "a").exists()

    alone(work)


def test_a_tree_of_mounts_is_let_go_of_and_stays_where_it_was(log: Log, tmp_path: Path) -> None:
    """A system's /dev with all in it, shown to another: mounts are shared where systemd runs."""

    def work() -> None:
        dev = tmp_path / "dev"
        own = Mounts(log)
        own.mount(memory(dev))
        own.mount(memory(dev / "pts"))
        subprocess.run(["mount", "--make-rshared", dev], check=True)
        at = Mounts(log)
        at.mount(bound(dev, tmp_path / "target/dev", "rbind"))
        assert mounted(str(tmp_path / "target/dev/pts"))
        assert at.unmount() == []
        assert not (tmp_path / "target").exists()
        assert mounted(str(dev / "pts"))
        assert own.unmount() == []

    alone(work)
