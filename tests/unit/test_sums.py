"""Kept results that a disk, a power cut or somebody has damaged: noticed, and made again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from democd import sums
from democd.errors import BuildError
from democd.inputs import Made
from democd.workspace import Workspace, mended


def flip(path: Path) -> None:
    """Flip a bit, and leave size and time as they were."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def empty(result: Path) -> None:
    """Leave of a result what a power cut may: its name."""
    shutil.rmtree(result)
    result.mkdir()


def becomes_a_file(result: Path) -> None:
    shutil.rmtree(result)
    result.write_text("")


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit flipped": (lambda it: flip(it / "out"), "out has changed"),
    "below a folder": (lambda it: flip(it / "bin/tool"), "bin/tool has changed"),
    "cut off": (lambda it: os.truncate(it / "out", 2), "out has changed"),
    "emptied": (lambda it: os.truncate(it / "out", 0), "out has changed"),
    "a file gone": (lambda it: (it / "bin/tool").unlink(), "bin/tool is gone"),
    "a folder gone": (lambda it: (it / "void").rmdir(), "void is gone"),
    "a file too much": (lambda it: (it / "more").touch(), "more does not belong there"),
    "no longer executable": (lambda it: (it / "bin/tool").chmod(0o644), "bin/tool has changed"),
    "another link": (lambda it: relink(it / "link"), "link has changed"),
    "a link for a file": (lambda it: relink(it / "out"), "out has changed"),
    "no sums": (lambda it: (it / sums.FILE).unlink(), "it has no sums"),
    "empty sums": (lambda it: os.truncate(it / sums.FILE, 0), "its sums are none"),
    "a bit flipped in the sums": (lambda it: flip(it / sums.FILE), "its sums have changed"),
    "no text in the sums": (
        lambda it: (it / sums.FILE).write_bytes(b"\xff\n"),
        "its sums are none",
    ),
    "nothing left": (empty, "it has no sums"),
    "a file for a folder": (becomes_a_file, "cannot be read: Not a directory"),
}


class Build:
    """A build of two steps in a folder, which tells what it made, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[str] = []
        self.said: list[str] = []

    def __call__(self) -> tuple[Made, Made]:
        self.made, self.said = [], []
        return self.build(Workspace(self.folder, say=self.said.append))

    @mended
    def build(self, workspace: Workspace) -> tuple[Made, Made]:
        with workspace.locked():
            return self.steps(workspace)

    def steps(self, workspace: Workspace) -> tuple[Made, Made]:
        root = workspace.step("root", {"suite": 13}, self.root, later=["big/"])

        def copy(folder: Path) -> None:
            self.made.append("layer")
            shutil.copy(root.path / "big/tar", folder / "squashfs")

        return root, workspace.step("layer", {"root": root}, copy)

    def root(self, folder: Path) -> None:
        self.made.append("root")
        (folder / "out").write_text("what it is")
        (folder / "bin").mkdir()
        (folder / "bin/tool").write_text("#!/bin/sh\n")
        (folder / "bin/tool").chmod(0o755)
        (folder / "void").mkdir()
        (folder / "big").mkdir()
        (folder / "big/tar").write_bytes(b"t" * 4096)
        (folder / "link").symlink_to("out")
        (folder / "how.log").write_text(f"made {len(list(self.folder.rglob('*')))} {id(folder)}")


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_result_is_told_dropped_and_made_again(tmp_path: Path, name: str) -> None:
    build = Build(tmp_path)
    root, layer = build()
    damage, told = DAMAGES[name]
    damage(root.path)
    assert build() == (root, layer)
    # What comes out the same makes nothing else anew, though the log of it is another.
    assert build.made == ["root"]
    assert len(build.said) == 1
    assert build.said[0].startswith(f"damaged: {root.path.name} (")
    assert told in build.said[0]
    assert build() == (root, layer)
    assert (build.made, build.said) == ([], [])
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_is_compared_later_is_compared_before_anything_is_made_of_it(tmp_path: Path) -> None:
    build = Build(tmp_path)
    root, layer = build()
    flip(root.path / "big/tar")
    build()
    assert build.made == [], "nobody has read it"
    shutil.rmtree(layer.path)
    assert build() == (root, layer)
    assert build.made == ["root", "layer"]
    assert "big/tar has changed" in build.said[0]
    assert (layer.path / "squashfs").read_bytes() == b"t" * 4096


def test_what_is_compared_later_must_be_there_at_once(tmp_path: Path) -> None:
    build = Build(tmp_path)
    root, _ = build()
    os.truncate(root.path / "big/tar", 4095)
    build()
    assert build.made == ["root"]


def test_a_disk_that_damages_what_is_written_ends_the_build(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    begun: list[str] = []

    @mended
    def build() -> None:
        begun.append("once more")
        with workspace.locked():
            root = workspace.step("root", {}, lambda it: (it / "out").write_text("x") and None)
            flip(root.path / "out")
            workspace.check(root)

    with pytest.raises(BuildError, match="damaged once more: out has changed") as failure:
        build()
    assert "disk" in failure.value.hint
    assert len(begun) == 2


def test_a_damaged_result_is_not_kept_for_those_who_ask_first(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.locked():
        made = workspace.step("root", {}, lambda folder: (folder / "out").write_text("x") and None)
        assert workspace.keeps("root", {})
        flip(made.path / "out")
        assert not workspace.keeps("root", {})


def test_names_that_are_no_text_are_kept_too(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \n")
    workspace = Workspace(tmp_path)
    with workspace.locked():
        made = workspace.step("tree", {}, lambda folder: (folder / name).write_text("x") and None)
        assert workspace.step("tree", {}, lambda folder: pytest.fail("it is kept")) == made
        flip(made.path / name)
        assert not workspace.keeps("tree", {})
