"""A FAT16 image with a few files, and a reader of such images: the EFI system partition.

Written by hand because mtools and dosfstools stamp the clock into what they make. Source of all
offsets: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

SECTOR = 512
ROOT_ENTRIES = 512
MIN_CLUSTERS = 4100  # below 4085 it would be a FAT12 by the standard's own rule
MAX_CLUSTERS = 65_500
SPARE_CLUSTERS = 64

_ENTRY = 32
_DIRECTORY = 0x10
_ARCHIVE = 0x20
_VOLUME_LABEL = 0x08
_END_OF_CHAIN = 0xFFFF

# Boot sector, all little-endian:
#   0  3s  jump to the boot code        21  B   media: 0xF8, fixed disk
#   3  8s  OEM name                     22  H   sectors per FAT
#  11  H   bytes per sector             24  H   sectors per track
#  13  B   sectors per cluster          26  H   heads
#  14  H   reserved sectors             28  I   hidden sectors
#  16  B   FATs                         32  I   sectors (if more than 65535)
#  17  H   root directory entries       36  3B  drive, reserved, signature 0x29
#  19  H   sectors (if fewer than that) 39  I   volume serial; 43 11s label; 54 8s type
_BOOT_SECTOR = struct.Struct("<3s8sHBHBHHBHHHII3BI11s8s")

# Directory entry:
#   0 11s  name 8.3     16  H  creation date        22  H  write time
#  11  B   attributes   18  H  last access date     24  H  write date
#  12 2B   NT, tenths   20  H  cluster, high half   26  H  cluster, low half
#  14  H   creation time                            28  I  size in bytes
_DIRECTORY_ENTRY = struct.Struct("<11sB2BHHHHHHHI")


def pack(files: Mapping[str, bytes], *, label: str, serial: int, date: int) -> bytes:
    """Return a FAT16 image just large enough for its files.

    Args:
        files: content by absolute path; each name in the 8.3 form, upper case.
        label: the volume's label, up to 11 characters.
        serial: the volume's serial number, 32 bits.
        date: every time in it, seconds since 1970, UTC.

    Returns:
        The image; its length is a multiple of 2048 bytes, a CD's sector.

    Raises:
        ValueError: a name that is not 8.3, or more content than FAT16 holds at this cluster size.
    """
    image = _Image(date)
    for path, content in sorted(files.items()):
        image.add(path, content)
    return image.finish(label, serial)


class _Image:
    """Clusters and directories of an image in the making; cluster n is `clusters[n - 2]`."""

    def __init__(self, date: int) -> None:
        self.clusters: list[bytes] = []
        self.fat = [0xFFF8, _END_OF_CHAIN]
        self.stamp = _stamp(date)
        self.tree: dict[str, object] = {}

    def add(self, path: str, content: bytes) -> None:
        *folders, name = path.strip("/").split("/")
        here = self.tree
        for folder in folders:
            here = here.setdefault(folder, {})  # type: ignore[assignment]
        here[name] = content

    def store(self, content: bytes) -> int:
        """Append content as a chain of clusters; return the first one's number."""
        count = max(1, -(-len(content) // SECTOR))
        first = len(self.clusters) + 2
        for index in range(count):
            self.clusters.append(
                content[index * SECTOR : (index + 1) * SECTOR].ljust(SECTOR, b"\0")
            )
            self.fat.append(first + index + 1)
        self.fat[-1] = _END_OF_CHAIN
        return first

    def entry(self, name: bytes, attributes: int, cluster: int, size: int) -> bytes:
        day, clock = self.stamp
        return _DIRECTORY_ENTRY.pack(
            name, attributes, 0, 0, clock, day, day, 0, clock, day, cluster, size
        )

    def directory(self, tree: Mapping[str, object], parent: int) -> int:
        """Store a directory below cluster `parent` (0: the root) and all in it."""
        # Its own cluster number is in its first entry: take the place first, fill it last.
        size = (len(tree) + 2) * _ENTRY
        own = self.store(bytes(size))
        dots = self.entry(b".".ljust(11), _DIRECTORY, own, 0)
        dots += self.entry(b"..".ljust(11), _DIRECTORY, parent, 0)
        content = dots + self.entries(tree, own)
        for start in range(0, size, SECTOR):
            sector = content[start : start + SECTOR].ljust(SECTOR, b"\0")
            self.clusters[own - 2 + start // SECTOR] = sector
        return own

    def entries(self, tree: Mapping[str, object], own: int) -> bytes:
        packed = b""
        for name, item in sorted(tree.items()):
            if isinstance(item, bytes):
                first = self.store(item) if item else 0
                packed += self.entry(_short_name(name), _ARCHIVE, first, len(item))
            elif isinstance(item, dict):
                packed += self.entry(_short_name(name), _DIRECTORY, self.directory(item, own), 0)
        return packed

    def finish(self, label: str, serial: int) -> bytes:
        name = label.encode("ascii").ljust(11)
        root = self.entry(name, _VOLUME_LABEL, 0, 0) + self.entries(self.tree, 0)
        count = max(MIN_CLUSTERS, len(self.clusters) + SPARE_CLUSTERS)
        if count > MAX_CLUSTERS or len(name) > 11 or len(root) > ROOT_ENTRIES * _ENTRY:
            raise ValueError("more content than this FAT16 image holds")
        fat_sectors = -(-(count + 2) * 2 // SECTOR)
        head = 1 + 2 * fat_sectors + ROOT_ENTRIES * _ENTRY // SECTOR
        count += -(head + count) % 4
        boot = _boot_sector(head + count, fat_sectors, name, serial)
        fat = struct.pack(f"<{len(self.fat)}H", *self.fat).ljust(fat_sectors * SECTOR, b"\0")
        data = b"".join(self.clusters).ljust(count * SECTOR, b"\0")
        return boot + fat + fat + root.ljust(ROOT_ENTRIES * _ENTRY, b"\0") + data


def _boot_sector(sectors: int, fat_sectors: int, label: bytes, serial: int) -> bytes:
    small, large = (sectors, 0) if sectors < 0x10000 else (0, sectors)
    packed = _BOOT_SECTOR.pack(
        b"\xeb\x3c\x90", b"DEMOCD  ", SECTOR, 1, 1, 2, ROOT_ENTRIES, small, 0xF8, fat_sectors,
        32, 64, 0, large, 0x80, 0, 0x29, serial, label, b"FAT16   ",
    )  # fmt: skip
    # The boot code of a partition that no BIOS should start: int 0x18, "no bootable device".
    return (packed + b"\xcd\x18").ljust(510, b"\0") + b"\x55\xaa"


def _stamp(date: int) -> tuple[int, int]:
    """Return a date and a time in FAT's 16-bit forms (from 1980, two-second steps)."""
    at = time.gmtime(date)
    if at.tm_year < 1980:
        return 1 << 5 | 1, 0
    day = (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
    return day, at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2


def _short_name(name: str) -> bytes:
    base, _, extension = name.partition(".")
    legal = all(c.isascii() and (c.isalnum() or c in "_-~!#") for c in base + extension)
    if name != name.upper() or not legal or not 0 < len(base) <= 8 or len(extension) > 3:
        raise ValueError(f"not an upper-case 8.3 name: {name}")
    return base.encode().ljust(8) + extension.encode().ljust(3)


@dataclass(frozen=True)
class _Geometry:
    sector: int
    cluster: int  # bytes
    fat: int  # offset in bytes
    root: int
    root_entries: int
    data: int
    bits: int  # 12 or 16


def read(image: bytes) -> dict[str, bytes]:
    """Return the files of a FAT12 or FAT16 image: content by absolute path, short names.

    Raises:
        ValueError: it is no such image, or damaged.
    """
    files: dict[str, bytes] = {}
    try:
        shape = _geometry(image)
        root = image[shape.root : shape.root + shape.root_entries * _ENTRY]
        pending = [("", root, 0)]
        while pending:
            folder, content, depth = pending.pop()
            for name, attributes, cluster, size in _parse_directory(content):
                path = f"{folder}/{name}"
                data = _chain(image, shape, cluster) if cluster else b""
                if attributes & _DIRECTORY and depth < 8:
                    pending.append((path, data, depth + 1))
                elif len(data) < size:
                    raise ValueError(f"{path} is cut short")
                else:
                    files[path] = data[:size]
    except (struct.error, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"not a FAT file system ({error})") from error
    return files


def _geometry(image: bytes) -> _Geometry:
    fields = _BOOT_SECTOR.unpack_from(image)
    sector, per_cluster, reserved, fats, entries, small, _, fat_sectors, _, _, _, large = fields[
        2:14
    ]
    total = small or large
    if image[510:512] != b"\x55\xaa" or sector not in (512, 1024, 2048, 4096) or not fat_sectors:
        raise ValueError("not a FAT12 or FAT16 file system")
    if total * sector > len(image):
        raise ValueError(f"its file system has {total * sector} bytes, the image {len(image)}")
    root = (reserved + fats * fat_sectors) * sector
    data = root + entries * _ENTRY
    clusters = (total * sector - data) // (per_cluster * sector)
    bits = 12 if clusters < 4085 else 16
    return _Geometry(sector, per_cluster * sector, reserved * sector, root, entries, data, bits)


def _parse_directory(content: bytes) -> list[tuple[str, int, int, int]]:
    found = []
    for start in range(0, len(content) - _ENTRY + 1, _ENTRY):
        fields = _DIRECTORY_ENTRY.unpack_from(content, start)
        raw, attributes = fields[0], fields[1]
        if raw[0] == 0:
            break
        if raw[0] in b".\xe5" or attributes & _VOLUME_LABEL:
            continue
        base, extension = raw[:8].decode("latin-1").rstrip(), raw[8:].decode("latin-1").rstrip()
        name = f"{base}.{extension}" if extension else base
        found.append((name, attributes, fields[10], fields[11]))
    return found


def _chain(image: bytes, shape: _Geometry, cluster: int) -> bytes:
    parts: list[bytes] = []
    end = 0xFF8 if shape.bits == 12 else 0xFFF8
    while cluster < end:
        start = shape.data + (cluster - 2) * shape.cluster
        if cluster < 2 or start >= len(image) or len(parts) > MAX_CLUSTERS:
            raise ValueError("a chain of clusters leads nowhere")
        parts.append(image[start : start + shape.cluster])
        if shape.bits == 16:
            (cluster,) = struct.unpack_from("<H", image, shape.fat + cluster * 2)
        else:
            (pair,) = struct.unpack_from("<H", image, shape.fat + cluster * 3 // 2)
            cluster = pair >> 4 if cluster & 1 else pair & 0xFFF
    return b"".join(parts)
