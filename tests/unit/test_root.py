"""What the root step asks of mmdebstrap, and what it takes from the tar it gets."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.inputs import key_of
from democd.lockfile import Lock, Locked
from democd.recipe import Recipe, Root
from democd.stages import root

STATUS = """\
Package: xen-utils-4.20
Status: install ok installed
Installed-Size: 10594
Architecture: amd64
Source: xen (4.20.4-1)
Version: 4.20.4-1+b1
Description: Xen administrative tools
 A long
 description

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.152
"""


LOCK = Lock(
    suite="trixie",
    components=("main",),
    names=("less", "nano"),
    time="20261126T081500Z",
    packages=(Locked("nano", "8.4-1", "amd64", 7, "ab" * 32, "debian/pool/n/nano.deb"),),
)


def argv(folder: Path, recipe: Recipe) -> list[str | Path]:
    return root.command(recipe, folder, folder / "sources.list", folder / "root.tar")


def test_hooks_run_at_the_time_their_name_says(tmp_path: Path) -> None:
    for name in ("customize-settle", "essential-no-initramfs"):
        (tmp_path / name).touch()
    words = argv(tmp_path, Recipe(tmp_path))
    assert f"--customize-hook={tmp_path}/customize-settle" in words
    assert f"--essential-hook={tmp_path}/essential-no-initramfs" in words


def test_all_packages_come_from_the_archive_that_was_gathered(tmp_path: Path) -> None:
    """Its files were compared with the signed list or the lock; there is no other archive."""
    words = [str(word) for word in argv(tmp_path, Recipe(tmp_path, root=Root(mirror="http://m")))]
    assert words[-1].endswith("] file:/archive ./")
    assert not [word for word in words if "http" in word or word.startswith("--include")]
    index = "".join(
        f"Package: {name}\nFilename: ./{name}.deb\n{more}\n"
        for name, more in (("apt", ""), ("nano", ""), ("dash", "Essential: yes\n"))
    )
    (tmp_path / "Packages").write_text(index)
    told = root.hook_variables(LOCK, tmp_path)
    assert told["DEMOCD_ARCHIVE"] == str(tmp_path)
    assert told["DEMOCD_BASIS"] == "./apt.deb ./dash.deb"
    assert told["DEMOCD_PACKAGES"] == "less nano"


def test_the_root_does_not_depend_on_where_its_packages_came_from(tmp_path: Path) -> None:
    (tmp_path / "rootfs/hooks").mkdir(parents=True)
    (tmp_path / "rootfs/parts.txt").touch()

    def key(lock: Lock, recipe: Recipe) -> str:
        return key_of(root._inputs(recipe, tmp_path / "rootfs", lock))

    recipe = Recipe(tmp_path)
    first = key(LOCK, recipe)
    elsewhere = replace(LOCK.packages[0], path="debian-security/pool/nano.deb")
    same = replace(LOCK, packages=(elsewhere,), tools={"apt": "3"}, releases={"trixie": "00"})
    assert key(same, recipe) == first
    assert key(LOCK, replace(recipe, root=Root(snapshot="http://m/{time}"))) == first
    newer = replace(LOCK.packages[0], sha256="cd" * 32)
    for other in (
        replace(LOCK, packages=(newer,)),
        replace(LOCK, time="20261127T081500Z"),
        replace(LOCK, names=("nano",)),
    ):
        assert key(other, recipe) != first
    assert key(LOCK, replace(recipe, root=Root(mirror="http://m"))) != first  # its sources.list


def test_packages_are_read_from_dpkgs_own_list() -> None:
    adduser, xen = root.parse_status(STATUS)
    assert (adduser.name, adduser.source, adduser.size) == ("adduser", "adduser", 0)
    assert (xen.version, xen.source, xen.size) == ("4.20.4-1+b1", "xen", 10594 * 1024)


def test_a_half_installed_package_is_told() -> None:
    broken = STATUS.replace("install ok installed", "install ok half-configured", 1)
    with pytest.raises(BuildError, match=r"xen-utils-4\.20.*half-configured"):
        root.parse_status(broken)


def tar_of(path: Path, *members: tuple[str, bytes | str | None]) -> Path:
    """Write a tar: bytes are a file, a str is a symlink, None is a device node."""
    with tarfile.open(path, "w") as archive:
        for name, what in members:
            member = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                member.size = len(what)
                archive.addfile(member, io.BytesIO(what))
                continue
            member.type = tarfile.CHRTYPE if what is None else tarfile.SYMTYPE
            member.linkname = what or ""
            archive.addfile(member)
    return path


def test_parts_are_what_the_patterns_name_and_plain_files_only(tmp_path: Path) -> None:
    tar = tar_of(
        tmp_path / "root.tar",
        ("./boot/xen.gz", b"xen"),
        ("./boot/link", "xen.gz"),
        ("./boot/absolute", "/etc/passwd"),
        ("./boot/node", None),
        ("./etc/other", b"no"),
    )
    root.unpack_parts(tar, tmp_path / "parts", ["boot/*"])
    found = {path.name for path in (tmp_path / "parts").rglob("*") if not path.is_dir()}
    assert found == {"xen.gz", "link"}
    assert (tmp_path / "parts/boot/xen.gz").read_bytes() == b"xen"


@pytest.mark.parametrize(
    "members",
    [
        [("../outside", b"evil")],
        [("/outside", b"evil")],
        [("boot/link", "../../outside")],
        [("boot/../../outside", b"evil")],
    ],
    ids=["dots", "absolute", "link", "dots-within"],
)
def test_what_leads_out_of_the_folder_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes | str | None]]
) -> None:
    tar = tar_of(tmp_path / "root.tar", *members)
    with pytest.raises(BuildError, match="leads out"):
        root.unpack_parts(tar, tmp_path / "parts", ["*"])
    assert not (tmp_path / "outside").exists()
