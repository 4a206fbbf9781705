"""What the root step asks of mmdebstrap, and what it takes from the tar it gets."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from democd.errors import BuildError
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


def listing(folder: Path, **lists: str) -> Path:
    (folder / "packages").mkdir()
    for name, text in lists.items():
        (folder / "packages" / name).write_text(text)
    return folder


def test_packages_of_all_lists_are_asked_for_once(tmp_path: Path) -> None:
    rootfs = listing(tmp_path, base="nano  # an editor\n# nothing\n\nless\n", xen="less\nxl\n")
    recipe = Recipe(tmp_path, root=Root(packages=("base", "xen"), extra=("vim",)))
    assert root.package_names(recipe, rootfs) == ["less", "nano", "vim", "xl"]


def test_hooks_run_at_the_time_their_name_says(tmp_path: Path) -> None:
    for name in ("customize-settle", "essential-no-initramfs"):
        (tmp_path / name).touch()
    argv = root.command(Recipe(tmp_path), ["nano"], tmp_path, tmp_path / "root.tar")
    assert f"--customize-hook={tmp_path}/customize-settle" in argv
    assert f"--essential-hook={tmp_path}/essential-no-initramfs" in argv


def test_the_default_mirror_is_left_to_mmdebstrap(tmp_path: Path) -> None:
    tar = tmp_path / "root.tar"
    assert root.command(Recipe(tmp_path), [], Path(__file__).parent, tar)[-1] == tar
    own = Recipe(tmp_path, root=Root(mirror="http://localhost/debian"))
    assert root.command(own, [], Path(__file__).parent, tar)[-1] == "http://localhost/debian"


def test_signatures_are_checked_against_debians_keyring(tmp_path: Path) -> None:
    argv = [str(word) for word in root.command(Recipe(tmp_path), [], tmp_path, tmp_path / "t")]
    assert f"--keyring={root.KEYRING}" in argv
    assert not [
        word for word in argv if "allow-unauthenticated" in word.lower() or "trusted" in word
    ]


def test_packages_are_read_from_dpkgs_own_list() -> None:
    adduser, xen = root.parse_status(STATUS)
    assert (adduser.name, adduser.source, adduser.size) == ("adduser", "adduser", 0)
    assert (xen.version, xen.source, xen.size) == ("4.20.4-1+b1", "xen", 10594 * 1024)


def test_a_half_installed_package_is_told() -> None:
    broken = STATUS.replace("install ok installed", "install ok half-configured", 1)
    with pytest.raises(BuildError, match=r"xen-utils-4\.20.*half-configured"):
        root.parse_status(broken)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "E: Unable to locate package vi-m\nE: Unable to locate package emcs",
            "trixie has no package vi-m, emcs",
        ),
        ("E: Package 'vrms' has no installation candidate", "trixie has no package vrms"),
        ("E: The repository 'copy:/m trixie Release' is not signed.", "not signed"),
        (
            "  Could not resolve 'nowhere'\nE: Failed to fetch http://nowhere/InRelease  Could not"
            " resolve 'nowhere'\nE: Some index files failed to download.",
            "trixie cannot be fetched",
        ),
        ("E: Release file for http://m is expired (invalid since 3d)", "clock"),
        ("unshare: unshare failed: Operation not permitted", "namespaces"),
    ],
)
def test_a_failure_is_told_in_words(said: str, told: str) -> None:
    lines = ["I: running apt-get update...", *said.splitlines(), "E: mmdebstrap failed to run"]
    error = root.explain(BuildError("mmdebstrap failed", "$ long"), lines, "trixie")
    assert told in error.message
    assert said.splitlines()[-1] in error.hint or "Could not resolve" in error.hint
    assert "$ long" not in error.hint


def test_an_unknown_failure_is_left_as_it_is() -> None:
    error = BuildError("mmdebstrap failed", "$ long")
    assert root.explain(error, ["E: the moon is full"], "trixie") is error


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
