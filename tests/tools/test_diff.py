"""`build.py diff`: each kind of difference between two discs is found, and named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from democd import layout, remake
from democd.artifacts import Layer
from democd.formats import cpio
from democd.formats.isoread import BLOCK, open_disc
from democd.host.progress import Reporter
from democd.inputs import Made
from democd.remake import Difference
from democd.stages import initrds, master
from tests.tools import small_disc

QUIET = Reporter(quiet=True)
BASE = layout.layer_path("base")
LISTS = {
    "bash": "/.\n/bin\n/bin/bash\n/etc\n/etc/profile\n",
    "libfoo:amd64": "/.\n/usr/lib\n/usr/lib/libfoo.so\n/usr/lib/python3/foo.py\n",
    "linux-image-6.12": "/lib/modules/6.12/loop.ko.xz\n",
}
FILES = {
    "usr/bin/bash": "shell",
    "etc/profile": "profile",
    "usr/lib/libfoo.so": "library",
    "usr/lib/python3/foo.py": "code",
    "usr/lib/python3/__pycache__/foo.cpython-313.pyc": "compiled",
    "var/cache/made": "made by a script",
    **{f"var/lib/dpkg/info/{name}.list": text for name, text in LISTS.items()},
}


def squash(tree: Path, image: Path, *more: str) -> None:
    subprocess.run(
        ["mksquashfs", tree, image, "-noappend", "-all-root", "-comp", "zstd", *more,
         "-mkfs-time", str(small_disc.DATE), "-quiet", "-no-progress"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def root(folder: Path) -> Path:
    """The tree of a small base, with what dpkg keeps."""
    tree = folder / "root"
    for name, text in FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (small_disc.DATE, small_disc.DATE))
    return tree


def disc(
    given: Path, folder: Path, name: str, tree: Path, *packing: str, **changes: object
) -> Path:
    """A disc whose base is a tree."""
    image = folder / f"{name}.squashfs"
    squash(tree, image, *packing)
    layers = [
        Layer("base", image, Made(folder, name)) if layer.name == "base" else layer
        for layer in small_disc.arguments(given)["layers"]
    ]
    plan = small_disc.plan(given, layers=layers, **changes)
    return master.publish(plan, folder, name, lambda done, total: None).iso


@pytest.fixture(scope="module")
def old(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("old")
    return disc(folder, place, "old", root(place))


def compare(one: Path, other: Path) -> Difference:
    return remake.compare(one, other, QUIET)


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    top = Path(remake.__file__).parents[2]
    return subprocess.run(
        [sys.executable, top / "build.py", "diff", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )


def in_part(found: Difference, path: str) -> dict[str, tuple[str, tuple[str, ...], str]]:
    part = next(part for part in found.parts if part.path == path)
    return {file.name: (file.how, file.what, file.package) for file in part.files}


def test_the_same_disc(old: Path, tmp_path: Path) -> None:
    copy = shutil.copy(old, tmp_path / "copy.iso")
    done = run(old, copy)
    assert (done.returncode, done.stdout.strip()) == (0, f"{old} and {copy}: the same bytes")
    assert json.loads(run(old, copy, "--json").stdout)["same_bytes"]


def test_each_change_of_a_file_and_its_package(folder: Path, old: Path, tmp_path: Path) -> None:
    tree = root(tmp_path)
    date = (small_disc.DATE - 60, small_disc.DATE - 60)
    (tree / "usr/bin/bash").write_text("SHELL")  # of the same size and time
    os.utime(tree / "usr/bin/bash", (small_disc.DATE, small_disc.DATE))
    (tree / "etc/profile").chmod(0o600)
    os.utime(tree / "usr/lib/libfoo.so", date)
    (tree / "usr/lib/python3/foo.py").unlink()
    (tree / "usr/lib/python3/__pycache__/foo.cpython-313.pyc").write_text("compiled again")
    (tree / "var/cache/made").unlink()
    (tree / "var/cache/made").symlink_to("elsewhere")
    (tree / "var/cache/new").write_text("new")
    found = in_part(compare(old, disc(folder, tmp_path, "new", tree)), BASE)
    assert found["usr/bin/bash"][0::2] == ("changed", "bash")
    assert [words.split()[0] for words in found["usr/bin/bash"][1]] == ["content"]
    assert found["etc/profile"] == ("changed", ("mode 0644 -> 0600",), "bash")
    assert found["usr/lib/libfoo.so"] == (
        "changed", ("time of the disc -> 2025-10-09 08:52:20",), "libfoo",
    )  # fmt: skip
    assert found["usr/lib/python3/foo.py"] == ("removed", (), "libfoo")
    compiled = found["usr/lib/python3/__pycache__/foo.cpython-313.pyc"]
    assert (compiled[1][0], compiled[2]) == ("size 8 -> 14", "libfoo")
    assert found["var/cache/made"] == ("changed", ("type file -> link",), "")
    assert found["var/cache/new"] == ("added", (), "")
    assert not {name for name in found if name.startswith("var/lib")}


def test_owners(folder: Path, old: Path, tmp_path: Path) -> None:
    tree = root(tmp_path)
    new = disc(folder, tmp_path, "new", tree, "-force-uid", "7")
    assert in_part(compare(old, new), BASE)["etc/profile"][1] == ("owner 0:0 -> 7:0",)


def test_a_layer_that_is_only_packed_in_another_way(
    folder: Path, old: Path, tmp_path: Path
) -> None:
    tree = root(tmp_path)
    new = disc(folder, tmp_path, "new", tree, "-Xcompression-level", "3", "-b", "65536")
    found = compare(old, new)
    (part,) = found.parts
    assert (part.path, part.files) == (BASE, ())
    assert part.packing[1:] == ("level default -> 3", "block 131072 -> 65536")
    assert "the same files, one part packed in another way" in remake.report(found)


def test_a_later_disc_of_the_same_files(folder: Path, old: Path, tmp_path: Path) -> None:
    tree = root(tmp_path)
    later = small_disc.DATE + 86_400
    for path in [*tree.rglob("*"), tree]:
        os.utime(path, (later, later))
    (tree / "opt/mine").mkdir(parents=True)
    (tree / "opt/mine/file").write_text("mine")
    given = small_disc.arguments(folder)["root"]
    found = compare(old, disc(folder, tmp_path, "new", tree, root=replace(given, date=later)))
    assert set(in_part(found, BASE)) == {"opt", "opt/mine", "opt/mine/file"}
    assert "+ opt, with 2 in it" in remake.report(found)
    assert "date" in {value.name for value in found.volume}


def test_packages_explain_their_files(folder: Path, old: Path, tmp_path: Path) -> None:
    tree = root(tmp_path)
    (tree / "usr/bin/bash").write_text("a new shell")
    (tree / "var/cache/made").write_text("by another script")
    bash, *others = small_disc.PACKAGES
    packages = (replace(bash, version="5.3-1"), *others[1:])
    given = small_disc.arguments(folder)
    new = disc(folder, tmp_path, "new", tree, root=replace(given["root"], packages=packages))
    found = compare(old, new)
    assert [(v.name, v.was, v.now) for v in found.packages] == [
        ("bash", "5.2.37-2", "5.3-1"), ("linux-image-6.12", "6.12.1-1", ""),
    ]  # fmt: skip
    assert [file.name for file in found.beside()] == ["var/cache/made"]
    told = remake.report(found)
    assert "2 packages (1 changed, 1 removed): bash, linux-image-6.12; and 1 file beside" in told
    assert "bash 5.2.37-2 -> 5.3-1  (1 file)" in told


def test_texts_and_what_the_disc_tells(folder: Path, old: Path, tmp_path: Path) -> None:
    menu = small_disc.MENU.replace("timeout=5", "timeout=9")
    tree = root(tmp_path)
    new = disc(
        folder, tmp_path, "new", tree, version="1.3", readme="Boot it!\n",
        menus={layout.GRUB_CFG: menu, f"{layout.GUESTS}/new.cfg": "new"},
    )  # fmt: skip
    found = compare(old, new)
    assert "-set timeout=5" in found.texts[layout.GRUB_CFG]
    assert "+Boot it!" in found.texts[layout.README]
    assert {value.name for value in found.volume} == {"application"}
    assert [(v.name, v.was, v.now) for v in found.manifest] == [
        ("recipe.disc.version", "1.2", "1.3"), ("version", "1.2", "1.3"),
    ]  # fmt: skip
    assert (f"{layout.GUESTS}/new.cfg", "added") in {(f.name, f.how) for f in found.files}
    assert not found.parts


def test_files_of_an_initrd(folder: Path, old: Path, tmp_path: Path) -> None:
    initrd = tmp_path / "initrd"
    entries = [
        cpio.file("init", b"#!/bin/sh\n", 0o700),
        cpio.folder("lib/modules/6.12"),
        cpio.file("lib/modules/6.12/loop.ko", b"ELF"),
        cpio.character_device("console", 5, 1),
    ]
    initrd.write_bytes(initrds.compress(cpio.pack(entries, small_disc.DATE)))
    first, second = small_disc.arguments(folder)["initrds"]
    changed = (replace(first, path=initrd), second)
    new = disc(folder, tmp_path, "new", root(tmp_path), initrds=changed)
    found = in_part(compare(old, new), layout.INITRD["xen0"])
    assert found["init"] == ("changed", ("mode 0755 -> 0700",), "")
    assert found["lib/modules/6.12/loop.ko"] == ("added", (), "linux-image-6.12")
    assert found["console"][0] == "added"


def test_an_unpacked_disc_and_what_was_edited_in_it(old: Path, tmp_path: Path) -> None:
    remake.unpack(old, tmp_path / "disc", QUIET)
    found = compare(old, tmp_path / "disc")
    assert found.same
    assert not found.same_bytes
    (tmp_path / "disc/overlays/dom0/name").write_text("edited\n")
    (tmp_path / "disc/disc/README.CD").write_text("Mine.\n")
    found = compare(old, tmp_path / "disc")
    assert in_part(found, layout.layer_path("dom0"))["name"][1][0] == "size 5000 -> 7"
    assert found.texts[layout.README] == ("@@ -1 +1 @@", "-Boot it.", "+Mine.")


def test_bytes_that_are_no_file(old: Path, tmp_path: Path) -> None:
    copy = shutil.copy(old, tmp_path / "copy.iso")
    with copy.open("r+b") as stream:
        stream.write(b"\x90")
    assert "the boot code for disks, in the first sector" in compare(old, copy).places
    assert run(old, copy).returncode == 1


def test_trouble_is_not_a_difference(old: Path, tmp_path: Path) -> None:
    damaged = shutil.copy(old, tmp_path / "damaged.iso")
    with open_disc(old) as opened:
        start = opened.files()[layout.XEN].lba * BLOCK
    with damaged.open("r+b") as stream:
        stream.seek(start)
        stream.write(b"damage")
    done = run(old, damaged)
    assert done.returncode == 2
    assert f"{layout.XEN} is damaged" in done.stderr
    assert run(old, tmp_path / "no.iso").returncode == 2
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    assert run(foreign, old).returncode == 2
