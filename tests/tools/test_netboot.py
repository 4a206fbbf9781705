"""A disc laid out for servers: the pieces are the disc, and the initrd knows their sums."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from democd import layout
from democd.errors import BuildError, InputError
from democd.formats import cpio, initramfs
from democd.formats.isoread import BLOCK, Extent, open_disc
from democd.host.progress import Reporter
from democd.remake import netboot
from democd.stages import bootimg, initrds, master
from tests.tools import small_disc

QUIET = Reporter(quiet=True)
MENU = "menuentry 'Xen' --id xen {\n  multiboot2 $top/boot/xen.gz\n}\n"


@pytest.fixture(scope="module")
def iso(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = small_disc.arguments(folder)
    images = tmp_path_factory.mktemp("images")
    bootimg.make_net(images, small_disc.GRUB)
    network = images / "initrd"
    network.write_bytes(initrds.compress(cpio.pack([cpio.file("bin/x", b"")], small_disc.DATE)))
    plan = small_disc.plan(
        folder,
        menus={**given["menus"], layout.NET_MENU: MENU},
        network={**bootimg.net_images_in(images), layout.NET_INITRD: network},
    )
    return master.publish(plan, images, "small", lambda done, total: None).iso


@pytest.fixture(scope="module")
def served(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = os.umask(0o077)
    try:
        folder = tmp_path_factory.mktemp("served") / "dir"
        netboot.lay_out(iso, folder, QUIET, port=8080)
    finally:
        os.umask(before)
    return folder


def sums_of(folder: Path) -> list[tuple[str, int, str]]:
    data = (folder / layout.INITRD["xen0"][1:]).read_bytes()
    found = {entry.name: entry.data for entry in initramfs.entries(data, 1 << 30)}
    assert "init" in found
    lines = [line.split(" ") for line in found[netboot.SUMS].decode().splitlines()]
    return [(digest, int(size), name) for digest, size, name in lines]


def test_pieces_in_the_order_of_their_sums_are_the_disc(iso: Path, served: Path) -> None:
    whole = hashlib.sha256()
    for digest, size, name in sums_of(served):
        piece = (served / "live" / name).read_bytes()
        assert len(piece) == size
        assert hashlib.sha256(piece).hexdigest() == digest
        whole.update(piece)
    assert whole.hexdigest() == hashlib.sha256(iso.read_bytes()).hexdigest()
    named = {name for _, _, name in sums_of(served)}
    assert named == {path.name for path in (served / "live").iterdir()}
    assert {f"{name}.squashfs" for name in small_disc.LAYERS} < named


def test_a_layer_is_served_as_it_lies_on_the_disc(iso: Path, served: Path) -> None:
    with open_disc(iso) as disc:
        base = disc.content(disc.files()[layout.layer_path("base")])
    assert (served / "live/base.squashfs").read_bytes() == base


def test_the_same_disc_is_laid_out_the_same(iso: Path, served: Path, tmp_path: Path) -> None:
    netboot.lay_out(iso, tmp_path / "again", QUIET, port=8080)
    assert subprocess.run(["diff", "-r", served, tmp_path / "again"], check=False).returncode == 0


def test_any_server_may_read_it_all(served: Path) -> None:
    assert served.stat().st_mode & 0o777 == 0o755
    modes = {path.stat().st_mode & 0o777 for path in served.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_grub_takes_what_is_beside_it_and_knows_the_port(served: Path) -> None:
    assert 'set web_port=":8080"' in (served / "grub.cfg").read_text()
    assert 'set fetch="http://10.0.0.5/a/live"' in netboot.grub_cfg("http://10.0.0.5/a", 80)
    assert 'set web_port=""' in netboot.grub_cfg("", 80)
    for name in ("grub.cfg", "menu.cfg"):
        done = subprocess.run(["grub-script-check", served / name], check=False)
        assert done.returncode == 0
    assert (served / "uefi.efi").read_bytes().startswith(b"MZ")


def test_its_readme_names_the_memory_and_the_port(iso: Path, served: Path) -> None:
    text = (served / "README").read_text()
    mib = -(-iso.stat().st_size // (1 << 20)) + netboot.SPARE
    assert f"needs {mib} MiB" in text
    assert text.count(f"qemu-system-x86_64 -m {mib} ") == 2
    assert "http.server 8080" in text
    lines = text.splitlines()
    assert lines[0].endswith("started over a network")
    assert lines[1] == "=" * len(lines[0])
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "address", ["https://a/b", "ftp://a/", "http://", "http://a/b c", 'http://a/"x', "http://$a/"]
)
def test_an_address_that_the_initrd_cannot_fetch_from_is_refused(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="not an address"):
        netboot.lay_out(tmp_path / "no.iso", tmp_path / "dir", QUIET, url=address)


def test_a_folder_with_something_in_it_is_refused(iso: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(InputError, match="is there already"):
        netboot.lay_out(iso, tmp_path, QUIET)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_disc_without_a_network_boot_is_refused(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.iso"
    master.master(small_disc.plan(folder), old, lambda done, total: None)
    with pytest.raises(InputError, match="knew no network boot"):
        netboot.lay_out(old, tmp_path / "dir", QUIET)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "foreign.iso").write_bytes(b"not a disc" * 10_000)
    with pytest.raises(InputError, match="not an ISO 9660 volume"):
        netboot.lay_out(tmp_path / "foreign.iso", tmp_path / "dir", QUIET)
    assert not (tmp_path / "dir").exists()


def test_a_damaged_disc_leaves_nothing(iso: Path, tmp_path: Path) -> None:
    data = bytearray(iso.read_bytes())
    with open_disc(iso) as disc:
        data[disc.files()[layout.layer_path("dom0")].lba * BLOCK + 100] ^= 1
    (tmp_path / "damaged.iso").write_bytes(data)
    with pytest.raises(BuildError, match=r"dom0\.squashfs is damaged"):
        netboot.lay_out(tmp_path / "damaged.iso", tmp_path / "dir", QUIET)
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.iso"]


@pytest.mark.parametrize("places", [[(2, BLOCK + 1), (3, 5)], [(9, BLOCK + 1)]])
def test_layers_that_overlap_or_lie_beyond_the_end_are_no_disc(
    places: list[tuple[int, int]],
) -> None:
    layers = {f"/live/{number}": Extent(*place) for number, place in enumerate(places)}
    with pytest.raises(BuildError, match="does not lie"):
        netboot.cut_up(layers, 10 * BLOCK)


def test_a_disc_without_layers_is_one_piece() -> None:
    assert netboot.cut_up({}, 4096) == [netboot.Piece("part-1.iso", 0, 4096)]
