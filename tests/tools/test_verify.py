"""Deliberate damages to a good disc, each of which `verify` must find and name."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from democd import layout
from democd.artifacts import Initrd
from democd.errors import InputError
from democd.formats import cpio, isoread
from democd.stages import initrds, master
from democd.verify import CHECKS, Verdict, as_json, report, verify
from tests.tools import small_disc
from tests.unit import crafted

PVD = 16 * 2048
GPT_HEADER = 512


@pytest.fixture(scope="module")
def good(folder: Path) -> bytes:
    target = folder / "good.iso"
    master.master(small_disc.plan(folder), target, lambda done, total: None)
    return target.read_bytes()


class Patient:
    """An ISO to be damaged."""

    def __init__(self, content: bytes, path: Path) -> None:
        path.write_bytes(content)
        with isoread.open_disc(path) as opened:
            self.files = opened.files()
        self.data = bytearray(content)
        self.path = path

    def at(self, path: str) -> int:
        return self.files[path].lba * 2048

    def replace(self, path: str, old: bytes, new: bytes) -> None:
        assert len(old) == len(new)
        start = self.data.index(old, self.at(path), self.at(path) + self.files[path].size)
        self.data[start : start + len(new)] = new

    def flip(self, offset: int) -> None:
        self.data[offset] ^= 0xFF

    def verdict(self) -> Verdict:
        self.path.write_bytes(self.data)
        return verify(self.path)


@pytest.fixture
def patient(good: bytes, tmp_path: Path) -> Patient:
    return Patient(good, tmp_path / "patient.iso")


def failed(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.detail for check in verdict.checks if not check.ok}


def test_good_disc_passes_every_check(patient: Patient) -> None:
    verdict = patient.verdict()
    assert failed(verdict) == {}
    assert verdict.ok
    assert [check.name for check in verdict.checks] == [name for name, _ in CHECKS]
    assert "signature   none" in report(verdict)


def cut(it: Patient) -> None:
    del it.data[-40_000:]


def lengthen(it: Patient) -> None:
    it.data += bytes(2048)


def rename(it: Patient) -> None:
    it.data[PVD + 40 : PVD + 49] = b"other one"


def other_volume_id(it: Patient) -> None:
    it.data[PVD + 40 : PVD + 49] = b"OTHERDISC"


def joliet_length(it: Patient) -> None:
    start = it.data.index(b"\x02CD001\x01", PVD)
    struct.pack_into("<I", it.data, start + 80, 5)


def share_blocks(it: Patient) -> None:
    """Let the README's directory record point at the kernel's first block."""
    name = it.data.index(b"README.CD", PVD)
    struct.pack_into("<I", it.data, name - 31, it.files[layout.KERNEL["xen0"]].lba)


def no_boot_record(it: Patient) -> None:
    it.replace_at = it.data.index(b"EL TORITO")
    it.data[it.replace_at] = ord("X")


def catalog_sum(it: Patient) -> None:
    it.flip(it.at(layout.BOOT_CATALOG) + 6)


def catalog_uefi_platform(it: Patient) -> None:
    it.data[it.at(layout.BOOT_CATALOG) + 65] = 0x02


def catalog_place(it: Patient) -> None:
    struct.pack_into("<I", it.data, it.at(layout.BOOT_CATALOG) + 40, 7)


def catalog_load_size(it: Patient) -> None:
    struct.pack_into("<H", it.data, it.at(layout.BOOT_CATALOG) + 96 + 6, 1)


def boot_info_table(it: Patient) -> None:
    it.flip(it.at(layout.BIOS_IMAGE) + 12)


def block_list(it: Patient) -> None:
    it.flip(it.at(layout.BIOS_IMAGE) + 2548)


def mbr_core(it: Patient) -> None:
    it.flip(432)


def mbr_code(it: Patient) -> None:
    it.data[:432] = bytes(432)


def mbr_protection(it: Patient) -> None:
    it.data[446 + 4] = 0x83


def gpt_primary(it: Patient) -> None:
    it.flip(GPT_HEADER + 56)


def gpt_entry(it: Patient) -> None:
    it.flip(1024 + 32)


def gpt_backup(it: Patient) -> None:
    it.flip(len(it.data) - 512 + 24)


def gpt_wrong_esp(it: Patient) -> None:
    """Move the ESP by one block in both GPTs, with all checksums right."""
    table = it.data[1024 : 1024 + 128 * 128]
    struct.pack_into("<Q", table, 32, struct.unpack_from("<Q", table, 32)[0] + 4)
    it.data[1024 : 1024 + len(table)] = table
    it.data[-512 - len(table) : -512] = table
    for start in (512, len(it.data) - 512):
        struct.pack_into("<I", it.data, start + 88, zlib.crc32(table))
        struct.pack_into("<I", it.data, start + 16, 0)
        struct.pack_into("<I", it.data, start + 16, zlib.crc32(it.data[start : start + 92]))


def esp_loader(it: Patient) -> None:
    it.flip(it.at(layout.ESP_IMAGE) + 300_000)


def esp_boot_sector(it: Patient) -> None:
    it.flip(it.at(layout.ESP_IMAGE) + 511)


def tree_loader(it: Patient) -> None:
    it.flip(it.at(layout.EFI_LOADER) + 100)


def menu_path(it: Patient) -> None:
    it.replace(layout.GRUB_CFG, b"--nounzip /boot/initrd-xen0", b"--nounzip /boot/initrd-xen9")


def menu_gone(it: Patient) -> None:
    for _ in range(2):
        it.replace(layout.GRUB_CFG, b"menuentry", b"menu_none")


def xen_damaged(it: Patient) -> None:
    it.flip(it.at(layout.XEN) + 300)


def xen_is_something_else(it: Patient) -> None:
    it.data[it.at(layout.XEN) : it.at(layout.XEN) + 4] = b"none"


def layer_magic(it: Patient) -> None:
    it.flip(it.at(layout.layer_path("dom0")))


def layer_cut(it: Patient) -> None:
    struct.pack_into("<Q", it.data, it.at(layout.layer_path("base")) + 40, 1 << 40)


def initrd_damaged(it: Patient) -> None:
    it.flip(it.at(layout.INITRD["xen0"]) + 20)


def initrd_packing(it: Patient) -> None:
    it.data[it.at(layout.INITRD["xen0"]) : it.at(layout.INITRD["xen0"]) + 2] = b"\x1f\x8b"


def readme_byte(it: Patient) -> None:
    it.flip(it.at(layout.README))


def sums_line(it: Patient) -> None:
    it.replace(layout.SUMS, b"README.CD", b"README.XX")


def sums_garbage(it: Patient) -> None:
    it.data[it.at(layout.SUMS) + 3] = ord("?")


def manifest_garbage(it: Patient) -> None:
    it.data[it.at(layout.MANIFEST)] = ord("?")


def manifest_shape(it: Patient) -> None:
    it.replace(layout.MANIFEST, b'"files"', b'"fails"')


def manifest_parts(it: Patient) -> None:
    it.replace(layout.MANIFEST, b'"name": "kernels"', b'"name": "Kernels"')


def manifest_size(it: Patient) -> None:
    it.replace(layout.MANIFEST, b'"path": "/README.CD",\n   "size": 9', b'"path": "/README.CD",\n   "size": 8')  # noqa: E501  # fmt: skip


DAMAGES: list[tuple[Callable[[Patient], None], str, str]] = [
    (cut, "volume", "40000 fewer than its volume: it is cut short"),
    (lengthen, "volume", "2048 bytes follow the end"),
    (rename, "volume", "'other one'"),
    (other_volume_id, "manifest", "its volume id is SMALLDISC, the disc's OTHERDISC"),
    (joliet_length, "volume", "says 5 blocks"),
    (share_blocks, "files", "share blocks"),
    (no_boot_record, "El Torito", "no El Torito boot record"),
    (catalog_sum, "El Torito", "checksum"),
    (catalog_uefi_platform, "El Torito", "no entry for UEFI"),
    (catalog_place, "El Torito", "BIOS names block 7"),
    (catalog_load_size, "El Torito", "UEFI load 1 sectors"),
    (boot_info_table, "BIOS image", "own place"),
    (block_list, "BIOS image", "GRUB's block list"),
    (mbr_core, "MBR", "its boot code loads sector"),
    (mbr_code, "MBR", "no boot code"),
    (mbr_protection, "MBR", "no protective entry"),
    (gpt_primary, "GPT", "checksum of the GPT header at sector 1 "),
    (gpt_entry, "GPT", "checksum of the partition table at sector 2 "),
    (gpt_backup, "GPT", "checksum of the GPT header at sector "),
    (gpt_wrong_esp, "GPT", "EFI system partition starts at sector"),
    (esp_loader, "ESP", "is not the one in the tree"),
    (esp_boot_sector, "ESP", "not a FAT12 or FAT16"),
    (tree_loader, "ESP", "is not the one in the tree"),
    (menu_path, "menus", "line 9 (Xen / Linux): module2 /boot/initrd-xen9: no such file"),
    (menu_gone, "menus", "no menu entries"),
    (xen_damaged, "kernels", "gzip"),
    (xen_is_something_else, "kernels", "no Xen hypervisor"),
    (layer_magic, "layers", "/live/dom0.squashfs is not a squashfs"),
    (layer_cut, "layers", "of the 1099511627776"),
    (initrd_damaged, "initrds", "the zstd data in it is damaged"),
    (initrd_packing, "initrds", "not packed with zstd"),
    (readme_byte, "checksums", "/README.CD is damaged"),
    (sums_line, "checksums", "/README.CD is not in /SHA256SUMS"),
    (sums_garbage, "checksums", "not a line of sha256sum"),
    (manifest_garbage, "manifest", "not JSON"),
    (manifest_shape, "manifest", "files is missing"),
    (manifest_parts, "medium", "tells other sizes than the disc has:\nboot loader"),
    (manifest_size, "manifest", "/README.CD has 9 bytes, not 8"),
]


@pytest.mark.parametrize(("damage", "check", "words"), DAMAGES, ids=lambda it: getattr(it, "__name__", None))  # noqa: E501  # fmt: skip
def test_damage_is_found_and_named(
    patient: Patient, damage: Callable[[Patient], None], check: str, words: str
) -> None:
    damage(patient)
    verdict = patient.verdict()
    found = failed(verdict)
    assert check in found
    assert words in found[check]
    assert not verdict.ok
    assert all(item.remedy for item in verdict.checks if not item.ok)


def test_too_large_for_its_medium(patient: Patient) -> None:
    with patient.path.open("r+b") as stream:
        stream.truncate(740_000_000)
    assert "2720000 more than cd80 holds" in failed(verify(patient.path))["medium"]


def test_sizes_by_part_are_shown(patient: Patient) -> None:
    shown = report(patient.verdict())
    assert re.search(r"medium .*of the 737\.3 MB of cd80\n +boot loader +\d", shown)
    assert re.search(r"\n +left on cd80 +7\d\d\.\d MB ", shown)


def test_guest_kernel_in_dom0_s_place(folder: Path, tmp_path: Path) -> None:
    arguments = small_disc.arguments(folder)
    wrong = tmp_path / "vmlinuz"
    wrong.write_bytes(crafted.linux(notes=crafted.xen_notes(bits=crafted.GUEST)))
    kernels = replace(arguments["kernels"], dom0=replace(arguments["kernels"].dom0, image=wrong))
    target = tmp_path / "x.iso"
    master.master(small_disc.plan(folder, kernels=kernels), target, lambda done, total: None)
    found = failed(verify(target))
    assert set(found) == {"kernels"}
    assert "/boot/vmlinuz-xen0: this kernel cannot be dom0" in found["kernels"]


def test_layer_of_a_role_is_missing(folder: Path, tmp_path: Path) -> None:
    layers = [layer for layer in small_disc.arguments(folder)["layers"] if layer.name != "guest"]
    target = tmp_path / "x.iso"
    master.master(small_disc.plan(folder, layers=layers), target, lambda done, total: None)
    assert failed(verify(target)) == {
        "layers": "layers are missing: guest",
        "initrds": "/boot/initrd-xen0 wants the layer guest for the role guest, which is not there",
    }


def test_a_root_in_memory_needs_no_layers(folder: Path, tmp_path: Path) -> None:
    recipe = replace(small_disc.arguments(folder)["recipe"], roles={})
    target, initrd = tmp_path / "x.iso", tmp_path / "initrd"
    init = cpio.pack([cpio.file("init", b"#!/bin/sh\n", 0o755)], small_disc.DATE)
    initrd.write_bytes(initrds.compress(init))
    started = [Initrd(name, initrd) for name in ("xen0", "xenU")]
    plan = small_disc.plan(folder, recipe=recipe, layers=[], initrds=started)
    master.master(plan, target, lambda done, total: None)
    verdict = verify(target)
    assert failed(verdict) == {}
    assert "dom0's root is in its initrd" in report(verdict)


def test_no_iso_at_all(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no disc")
    with pytest.raises(InputError, match="not an ISO 9660 volume"):
        verify(tmp_path / "text")
    with pytest.raises(InputError, match="No such file"):
        verify(tmp_path / "nothing")


def test_report_shows_a_line_a_check_and_the_remedy(patient: Patient) -> None:
    readme_byte(patient)
    text = report(patient.verdict())
    lines = text.splitlines()
    assert sum(line.startswith("✓") for line in lines) == len(CHECKS) - 2
    bad = [line for line in lines if line.startswith("✗")]
    assert [line.split()[1] for line in bad] == ["checksums", "manifest"]
    assert any("→ the ISO is damaged" in line for line in lines)
    assert lines[-1] == f"{patient.path}: 2 of {len(CHECKS)} checks failed"


def test_json_tells_the_same(patient: Patient) -> None:
    verdict = patient.verdict()
    data = json.loads(json.dumps(as_json(verdict)))
    assert data["ok"] is True
    assert data["size"] == len(patient.data)
    assert [check["name"] for check in data["checks"]] == [name for name, _ in CHECKS]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_leads_to_a_traceback(patient: Patient, data: st.DataObject) -> None:
    """Flip bytes where structures are: descriptors, folders, catalog, GPTs, the ESP's head."""
    places = [(0, 100 * 2048), (len(patient.data) - 34 * 512, len(patient.data))]
    for path in (layout.ESP_IMAGE, layout.GRUB_CFG, layout.MANIFEST, layout.SUMS, layout.XEN):
        places.append((patient.at(path), patient.at(path) + min(40_000, patient.files[path].size)))
    keep = bytes(patient.data)
    try:
        for _ in range(data.draw(st.integers(1, 5))):
            first, end = data.draw(st.sampled_from(places))
            offset = data.draw(st.integers(first, end - 1))
            patient.data[offset] = data.draw(st.integers(0, 255))
        try:
            report(patient.verdict())
        except InputError:
            assert patient.data[PVD : PVD + 2048] != keep[PVD : PVD + 2048]
    finally:
        patient.data[:] = keep
