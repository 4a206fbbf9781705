"""Checks of what firmware reads: volume, El Torito, MBR, GPT and the EFI system partition."""

from __future__ import annotations

import re
import struct

from democd import layout
from democd.formats import eltorito, fat, gpt
from democd.formats.eltorito import BootEntry
from democd.formats.isoread import BLOCK, BOOT_RECORD, PRIMARY, SUPPLEMENTARY
from democd.verify.subject import REBUILD, REPORT, Subject
from democd.verify.verdict import FaultError

_SECTORS_A_BLOCK = BLOCK // gpt.SECTOR


def check_volume(subject: Subject) -> str:
    """Check that volume descriptors agree with each other and with the file's length."""
    disc, primary = subject.disc, subject.disc.primary
    expected = primary.blocks * BLOCK
    if disc.size < expected:
        raise FaultError(
            f"the ISO has {disc.size} bytes, {expected - disc.size} fewer than its volume: "
            "it is cut short",
            REBUILD,
        )
    if disc.size > expected:
        raise FaultError(f"{disc.size - expected} bytes follow the end of the volume", REBUILD)
    if not re.fullmatch(r"[A-Z0-9_]{1,32}", primary.volume_id):
        raise FaultError(
            f"the volume id {primary.volume_id!r} is not 1-32 of A-Z 0-9 _: init will not find it",
            REBUILD,
        )
    joliet = False
    for kind, raw in disc.descriptors:
        if kind in (PRIMARY, SUPPLEMENTARY):
            blocks, big = struct.unpack_from("<I", raw, 80)[0], struct.unpack_from(">I", raw, 84)[0]
            if blocks != primary.blocks or big != blocks:
                raise FaultError(
                    f"a volume descriptor says {blocks} blocks, not {primary.blocks}", REBUILD
                )
        joliet |= kind == SUPPLEMENTARY and raw[88:91] in (b"%/@", b"%/C", b"%/E")
    if not joliet:
        raise FaultError(
            "the volume has no Joliet descriptor: Windows would see odd names", REBUILD
        )
    return f"{primary.volume_id}: {primary.application}"


def check_places(subject: Subject) -> str:
    """Check that every file is inside the volume, and no two share a block."""
    files = subject.disc.files()
    blocks = subject.disc.primary.blocks
    end, before = 0, ""
    for path, extent in sorted(files.items(), key=lambda item: item[1].lba):
        if extent.size == 0:
            continue
        if extent.lba < end:
            raise FaultError(f"{path} and {before} share blocks of the disc", REBUILD)
        end, before = extent.lba + -(-extent.size // BLOCK), path
        if end > blocks:
            raise FaultError(f"{path} reaches beyond the end of the volume", REBUILD)
    return f"{len(files)} files"


def check_tree(subject: Subject) -> str:
    """Check that every file is inside the volume, and all that makes a disc are there."""
    told = check_places(subject)
    needed = [
        layout.XEN, *layout.KERNEL.values(), *layout.INITRD.values(), layout.GRUB_CFG,
        layout.BIOS_IMAGE, layout.ESP_IMAGE, layout.EFI_LOADER,
        layout.README, layout.SUMS, layout.PACKAGES, layout.MANIFEST,
    ]  # fmt: skip
    missing = [path for path in needed if path not in subject.files]
    if missing:
        raise FaultError(f"missing: {', '.join(missing)}", "build the ISO again")
    return told


def _entries(subject: Subject) -> dict[int, BootEntry]:
    """Return the boot catalog's entries by platform."""
    records = [raw for kind, raw in subject.disc.descriptors if kind == BOOT_RECORD]
    if not records:
        raise FaultError("the volume has no El Torito boot record", REBUILD)
    lba = eltorito.catalog_lba(records[0])
    catalog = subject.files.get(layout.BOOT_CATALOG)
    if catalog is None or catalog.lba != lba:
        raise FaultError(
            f"the boot record names block {lba}, {layout.BOOT_CATALOG} is not there", REBUILD
        )
    entries = eltorito.parse_catalog(subject.disc.read(lba * BLOCK, BLOCK))
    return {entry.platform: entry for entry in entries}


def check_eltorito(subject: Subject) -> str:
    """Check that the boot catalog starts both images, in full and from where they are."""
    entries = _entries(subject)
    wanted = [
        (eltorito.BIOS, "BIOS", layout.BIOS_IMAGE),
        (eltorito.UEFI, "UEFI", layout.ESP_IMAGE),
    ]
    for platform, name, path in wanted:
        entry, place = entries.get(platform), subject.files.get(path)
        if entry is None or place is None:
            raise FaultError(
                f"the boot catalog has no entry for {name}, or {path} is missing", REBUILD
            )
        if not entry.bootable or entry.emulation:
            raise FaultError(
                f"the boot catalog's entry for {name} is not bootable as it is", REBUILD
            )
        if entry.lba != place.lba:
            raise FaultError(
                f"the boot catalog's entry for {name} names block {entry.lba}, "
                f"{path} is at {place.lba}",
                REBUILD,
            )
        full = -(-place.size // BLOCK) * _SECTORS_A_BLOCK
        sizes = (eltorito.BIOS_LOAD_SECTORS,) if platform == eltorito.BIOS else (full, 0)
        if entry.sectors not in sizes or (entry.sectors == 0 and full < 0x10000):
            raise FaultError(
                f"the boot catalog has {name} load {entry.sectors} sectors, not {sizes[0]}", REBUILD
            )
    return "BIOS and UEFI"


def check_bios_image(subject: Subject) -> str:
    """Check that GRUB's BIOS image knows its own place on the disc."""
    image = subject.content(layout.BIOS_IMAGE)
    wrong = eltorito.patch_mistakes(image, subject.files[layout.BIOS_IMAGE].lba)
    if wrong:
        raise FaultError("\n".join(wrong), REBUILD)
    return f"{len(image)} bytes, at block {subject.files[layout.BIOS_IMAGE].lba}"


def check_mbr(subject: Subject) -> str:
    """Check that the disk's boot code starts GRUB; its table protects the GPT."""
    if layout.BIOS_IMAGE not in subject.files:
        raise FaultError(f"{layout.BIOS_IMAGE} is missing", "build the ISO again")
    lba = subject.files[layout.BIOS_IMAGE].lba
    core = lba * _SECTORS_A_BLOCK + eltorito.BIOS_LOAD_SECTORS
    sectors = subject.disc.primary.blocks * _SECTORS_A_BLOCK
    wrong = gpt.mbr_mistakes(subject.disc.read(0, gpt.SECTOR), core, sectors)
    if wrong:
        raise FaultError(
            "\n".join(wrong), "build the ISO again: no BIOS starts it from a USB stick"
        )
    return "starts GRUB from a disk"


def _headers(subject: Subject) -> tuple[gpt.Header, gpt.Header]:
    sectors = subject.disc.primary.blocks * _SECTORS_A_BLOCK
    size = gpt.LABEL_SECTORS * gpt.SECTOR
    primary = gpt.parse(subject.disc.read(0, gpt.SECTOR + size), 1)
    first = sectors - gpt.LABEL_SECTORS
    tail = subject.disc.read(first * gpt.SECTOR, size)
    return primary, gpt.parse(tail, sectors - 1, first=first)


def check_gpt(subject: Subject) -> str:
    """Check that both GPTs are whole and alike, inside the volume, and hold the ESP."""
    primary, backup = _headers(subject)
    if (primary.other, backup.other) != (backup.lba, primary.lba):
        raise FaultError("the GPT and its backup do not name each other", REBUILD)
    if (primary.disk, primary.partitions) != (backup.disk, backup.partitions):
        raise FaultError("the GPT and its backup differ", REBUILD)
    if primary.first_usable < gpt.FIRST_USABLE:
        raise FaultError(f"the GPT gives away sectors from {primary.first_usable} on", REPORT)
    esp = [part for part in primary.partitions if part.type == gpt.ESP_TYPE]
    place = subject.files.get(layout.ESP_IMAGE)
    if len(esp) != 1 or place is None:
        raise FaultError(
            "the GPT has no EFI system partition: no UEFI starts it from a disk", REBUILD
        )
    first = place.lba * _SECTORS_A_BLOCK
    if (esp[0].first, esp[0].last) != (first, first + place.size // gpt.SECTOR - 1):
        raise FaultError(
            f"the EFI system partition starts at sector {esp[0].first}, "
            f"{layout.ESP_IMAGE} at {first}",
            REBUILD,
        )
    return "with its backup; holds the EFI system partition"


def check_esp(subject: Subject) -> str:
    """Check that the EFI system partition holds the very loader that is in the tree."""
    files = fat.read(subject.content(layout.ESP_IMAGE))
    loader = files.get(layout.EFI_LOADER)
    if loader is None:
        raise FaultError(f"{layout.ESP_IMAGE} does not hold {layout.EFI_LOADER}", REBUILD)
    if loader != subject.content(layout.EFI_LOADER):
        raise FaultError(
            f"{layout.EFI_LOADER} in {layout.ESP_IMAGE} is not the one in the tree", REBUILD
        )
    if loader[:2] != b"MZ":
        raise FaultError(f"{layout.EFI_LOADER} is not an EFI program", REBUILD)
    return f"{layout.EFI_LOADER}, {len(loader)} bytes"
