"""The smoke disc as it is built: small, whole, and the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from democd import layout, recipe
from democd.artifacts import Root
from democd.formats import cpio, isoread, libraries
from democd.formats.compress import unpack
from democd.stages import initrds, ramroot
from democd.verify import verify
from democd.workspace import Workspace
from tests.support.building import PROJECT, kept_root
from tests.support.picking import pick

pytestmark = pytest.mark.build

MOST = 48_000_000  # bytes
LIBS = PurePosixPath(ramroot.LIBRARIES)


@pytest.fixture(scope="module")
def root(smoke_iso: Path) -> Root:
    return kept_root()


@pytest.fixture(scope="module")
def disc(smoke_iso: Path) -> Iterator[isoread.Disc]:
    with isoread.open_disc(smoke_iso) as disc:
        yield disc


@pytest.fixture(scope="module")
def files(disc: isoread.Disc) -> dict[str, cpio.Entry]:
    """What is in dom0's initrd, the root in memory."""
    extent = disc.files()[layout.INITRD["xen0"]]
    return {entry.name: entry for entry in cpio.unpack(unpack(disc.content(extent)))}


def test_it_is_small_and_whole(smoke_iso: Path) -> None:
    assert smoke_iso.stat().st_size <= MOST
    verdict = verify(smoke_iso)
    assert [check for check in verdict.checks if not check.ok] == []


def test_it_has_no_layers(disc: isoread.Disc) -> None:
    assert not [path for path in disc.files() if path.startswith(layout.LAYERS)]


def test_every_program_has_its_libraries(files: dict[str, cpio.Entry]) -> None:
    needed = {name for entry in files.values() for name in libraries.needs(entry.data)}
    assert {"libxenlight.so.4.20", "libc.so.6"} <= needed
    assert {str(LIBS / name) for name in needed} <= files.keys()


def test_every_command_leads_to_a_program(files: dict[str, cpio.Entry]) -> None:
    links = {name: entry for name, entry in files.items() if entry.mode == 0o120777}
    for name, entry in links.items():
        target = entry.data.decode()
        start = PurePosixPath(name).parent if not target.startswith("/") else PurePosixPath()
        assert str(start / target.removeprefix("/")).replace("usr/../", "") in files, name
    for name in ("xl", "xenstored", "xenconsoled", "xenstore", "xenstore-ls", "busybox"):
        assert f"bin/{name}" in files


def test_it_has_what_dom0_needs_for_guests(files: dict[str, cpio.Entry]) -> None:
    modules = {PurePosixPath(name).stem.replace("_", "-") for name in files if name[-3:] == ".ko"}
    assert {"xen-netback", "xen-gntdev", "xen-evtchn", "xenfs", "isofs"} <= modules


def test_the_same_inputs_make_the_same_root(root: Root, tmp_path: Path) -> None:
    wanted = recipe.load_profile(PROJECT, "smoke")
    bootable = pick(wanted, root)

    def make(where: str) -> bytes:
        workspace = Workspace(tmp_path / where)
        with workspace.locked():
            ram = ramroot.build(wanted, [root.parts], PROJECT)
            made = initrds.build(workspace, wanted, root, bootable, PROJECT, "xen0", ram)
        return made.path.read_bytes()

    assert make("one") == make("two")
