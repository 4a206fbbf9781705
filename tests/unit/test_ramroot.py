"""What goes into a root in memory: programs, the libraries they need, and overlays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from democd import recipe
from democd.artifacts import RamRoot
from democd.errors import Mistakes
from democd.stages import ramroot
from tests.unit import crafted

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBS = "usr/lib/x86_64-linux-gnu"


class Bench:
    """A small Debian root and project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / "parts"
        self.program("usr/lib/xen-4.20/bin/xl", "libxenlight.so.4.20", "libc.so.6")
        self.program("usr/bin/xenstore", "libc.so.6")
        self.write("parts", f"{LIBS}/libxenlight.so.4.20", crafted.dynamic(["libc.so.6"]))
        self.write("parts", f"{LIBS}/libc.so.6", crafted.dynamic(["ld-linux-x86-64.so.2"]))
        self.write("parts", f"{LIBS}/ld-linux-x86-64.so.2", crafted.dynamic([]))
        self.write("parts", f"{LIBS}/libunused.so.1", crafted.dynamic([]))
        self.list("usr/bin/xenstore  # a comment\n\nusr/lib/xen-*/bin/xl\n")
        self.write(".", "overlays/smoke/init", b"#!/bin/sh\n")
        self.write(".", "overlays/smoke/etc/xen/xl.conf", b"")
        (folder / "overlays/smoke/bin").mkdir()
        (folder / "overlays/smoke/bin/xenstore-ls").symlink_to("xenstore")
        self.recipe = recipe.Recipe(folder, ramroot=recipe.RamRoot(("smoke",), ("smoke",)))
        self.trees = [self.parts]

    def write(self, top: str, path: str, data: bytes) -> Path:
        file = self.folder / top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def program(self, path: str, *needs: str, top: str = "parts") -> Path:
        return self.write(top, path, crafted.dynamic(needs, LOADER))

    def list(self, text: str) -> None:
        self.write(".", "rootfs/programs/smoke", text.encode())

    def build(self) -> RamRoot:
        return ramroot.build(self.recipe, self.trees, self.folder)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_programs_come_with_their_libraries_and_no_others(bench: Bench) -> None:
    files = bench.build().files
    assert set(files) == {
        "usr/lib/xen-4.20/bin/xl", "bin/xenstore",
        f"{LIBS}/libxenlight.so.4.20", f"{LIBS}/libc.so.6", f"{LIBS}/ld-linux-x86-64.so.2",
        "init", "etc/xen/xl.conf",
    }  # fmt: skip
    assert files["bin/xenstore"] == bench.parts / "usr/bin/xenstore"


def test_every_program_is_a_command_and_finds_its_loader(bench: Bench) -> None:
    links = bench.build().links
    assert links["bin/xl"] == "/usr/lib/xen-4.20/bin/xl"
    assert links["lib64"] == LIBS
    assert links["bin/xenstore-ls"] == "xenstore"
    assert "bin/xenstore" not in links


def test_all_that_is_missing_is_told_at_once(bench: Bench) -> None:
    bench.list("usr/bin/xenstore\nusr/bin/gone\nusr/bin/odd\nusr/bin/perhaps?\n")
    bench.program("usr/bin/odd", "libodd.so.7")
    with pytest.raises(Mistakes) as caught:
        bench.build()
    told = [message for message, _ in caught.value.mistakes]
    assert told == [
        "rootfs/programs/smoke: the root has no usr/bin/gone",
        "bin/odd needs libodd.so.7, which the root does not have",
    ]
    assert all("rootfs/parts.txt" in hint for _, hint in caught.value.mistakes)


def test_a_later_tree_wins(bench: Bench) -> None:
    own = bench.folder / "install"
    library = bench.write("install", "usr/local/lib/libc.so.6", crafted.dynamic(["libnew.so.1"]))
    bench.write("install", "usr/local/lib/libnew.so.1", crafted.dynamic([]))
    program = bench.program("usr/bin/xenstore", "libc.so.6", top="install")
    bench.trees = [bench.parts, own]
    files = bench.build().files
    assert files["bin/xenstore"] == program
    assert files[f"{LIBS}/libc.so.6"] == library
    assert f"{LIBS}/libnew.so.1" in files
    assert f"{LIBS}/ld-linux-x86-64.so.2" in files


def test_programs_of_an_install_tree_lie_where_the_tree_has_them(bench: Bench) -> None:
    """Its libraries start some by that path; the folder with links is for others to look in."""
    program = bench.program("usr/local/sbin/xl", "libc.so.6", top="install")
    folder = bench.folder / "install/usr/lib/xen-4.21/bin"
    folder.mkdir(parents=True)
    (folder / "xl").symlink_to("../../../local/sbin/xl")
    bench.trees = [bench.parts, bench.folder / "install"]
    made = bench.build()
    assert made.files["usr/local/sbin/xl"].resolve() == program
    assert made.links["bin/xl"] == "/usr/local/sbin/xl"
    assert "usr/lib/xen-4.20/bin/xl" not in made.files
    assert f"{LIBS}/libxenlight.so.4.20" not in made.files


def test_a_later_overlay_wins(bench: Bench) -> None:
    bench.write(".", "overlays/mine/etc/xen/xl.conf", b"mine\n")
    bench.recipe = replace(bench.recipe, ramroot=recipe.RamRoot(("smoke",), ("smoke", "mine")))
    assert bench.build().files["etc/xen/xl.conf"].read_bytes() == b"mine\n"
