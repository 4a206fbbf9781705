"""Discs as somebody might make them who wishes us ill: written by hand, record by record.

Our own writer refuses most of what is here. The discs are of some 60 KB, so that thousands can be
tried; sums and manifest are right unless a test wants them wrong, for who makes a disc makes its
sums as well.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from democd import layout
from democd.formats import cpio
from democd.stages.initrds import compress
from tests.tools.small_disc import DATE
from tests.unit import crafted

BLOCK = 2048
DIRECTORY = 2


@dataclass
class Record:
    """A directory record: what it says, whatever is true.

    Attributes:
        name: as in Rock Ridge's NM.
        content: a file's bytes, or the records of a folder.
        lba, size: in place of where it lies, and of how long it is.
        more: further entries of its system use area.
    """

    name: bytes
    content: bytes | list[Record]
    lba: int | None = None
    size: int | None = None
    more: bytes = b""
    at: int = field(default=0, repr=False)

    def length(self) -> int:
        """Bytes that it takes on the disc."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return len(_folder(self.content))


def _folder(records: Sequence[Record]) -> bytes:
    """The content of a folder."""
    content = bytearray(_record(b"\0", 0, 0, DIRECTORY) + _record(b"\1", 0, 0, DIRECTORY))
    for number, record in enumerate(records):
        flags = 0 if isinstance(record.content, bytes) else DIRECTORY
        lba = record.at if record.lba is None else record.lba
        size = record.length() if record.size is None else record.size
        if isinstance(record.content, list) and record.size is None:
            size = -(-size // BLOCK) * BLOCK
        raw = _record(b"F%05d" % number, lba, size, flags, record.name, record.more)
        if len(content) % BLOCK + len(raw) > BLOCK:
            content += bytes(-len(content) % BLOCK)
        content += raw
    return bytes(content)


def _record(
    raw: bytes, lba: int, size: int, flags: int, name: bytes = b"", more: bytes = b""
) -> bytes:
    use = b"NM" + bytes([5 + len(name), 1, 0]) + name if name else b""
    body = struct.pack(
        "<BI4sI4s7sBBBHHB", 0, lba, struct.pack(">I", lba), size, struct.pack(">I", size),
        bytes(7), flags, 0, 0, 1, 1, len(raw),
    ) + raw + bytes(1 - len(raw) % 2) + use + more  # fmt: skip
    body += bytes((len(body) + 1) % 2)
    return bytes([len(body) + 1]) + body


def image(root: list[Record]) -> bytes:
    """An ISO with these records."""
    top = Record(b"", root)
    pending, order, block = [top], [], 20
    while pending:
        record = pending.pop(0)
        record.at = block
        order.append(record)
        if isinstance(record.content, list):
            pending += [inner for inner in record.content if inner.lba is None]
        block += max(1, -(-record.length() // BLOCK))
    disc = bytearray(block * BLOCK)
    size = -(-top.length() // BLOCK) * BLOCK
    disc[16 * BLOCK : 17 * BLOCK] = _primary(block, top.at, size)
    disc[17 * BLOCK : 17 * BLOCK + 7] = b"\xffCD001\x01"
    for record in order:
        raw = record.content if isinstance(record.content, bytes) else _folder(record.content)
        disc[record.at * BLOCK : record.at * BLOCK + len(raw)] = raw
    return bytes(disc)


def _primary(blocks: int, lba: int, size: int) -> bytes:
    raw = bytearray(b"\x01CD001\x01".ljust(BLOCK, b"\0"))
    raw[40:72] = b"TINYDISC".ljust(32)
    raw[80:88] = struct.pack("<I", blocks) + struct.pack(">I", blocks)
    raw[156:190] = _record(b"\0", lba, size, DIRECTORY)
    raw[318:702] = b" " * 384
    return bytes(raw)


def tree(files: Mapping[str, bytes]) -> list[Record]:
    """The records of plain files, by path."""
    top: list[Record] = []
    folders = {"": top}
    for path, content in files.items():
        names = path[1:].split("/")
        for end in range(1, len(names)):
            above, here = "/".join(names[: end - 1]), "/".join(names[:end])
            if here not in folders:
                folders[here] = []
                folders[above].append(Record(names[end - 1].encode(), folders[here]))
        folders["/".join(names[:-1])].append(Record(names[-1].encode(), content))
    return top


def sums(files: Mapping[str, bytes]) -> bytes:
    """The right /SHA256SUMS of files."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {path[1:]}\n" for path, data in files.items()]
    return "".join(lines).encode()


def initrd(layers: Sequence[str] = (), role: str = "dom0") -> bytes:
    """A small initrd, which stacks these layers."""
    entries = [
        cpio.file("init", b"#!/bin/sh\n", 0o755),
        cpio.symlink("bin", "usr/bin"),
        cpio.file("etc/roles", " ".join([role, *layers, "\n"]).encode()),
        cpio.character_device("dev/console", 5, 1),
    ]
    return compress(cpio.pack(entries, DATE))


# README.CD and the menus name these options, and are checked against Xen.
_OPTIONS = (*crafted.OPTIONS, "max_cstate", "x2apic", "dom0_max_vcpus", "cpufreq",
            "console_timestamps")  # fmt: skip
XEN = crafted.pack("gzip", crafted.xen(options=_OPTIONS))


def files(layers: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """All files of a tiny disc but its lists."""
    layers = layers or {}
    found = {
        layout.XEN: XEN,
        layout.KERNEL["xen0"]: b"a kernel",
        layout.INITRD["xen0"]: initrd(list(layers)),
        layout.INITRD["xenU"]: initrd(list(layers), "guest"),
        layout.GRUB_CFG: b"# a menu\n",
        layout.BIOS_IMAGE: bytes(4096),
        layout.ESP_IMAGE: bytes(4096),
        layout.README: b"Boot it.\n",
        layout.BOOT_CATALOG: bytes(2048),
        layout.PACKAGES: b"bash 5.2 amd64 bash\n",
    }
    return found | {layout.layer_path(name): data for name, data in layers.items()}


def about(layers: Sequence[str] = ()) -> dict[str, Any]:
    """The manifest of a tiny disc."""
    return {
        "format": 1, "volume_id": "TINYDISC", "title": "Tiny", "version": "1", "builder": "Zoë",
        "made_with": "democd", "date": DATE, "medium": {"name": "cd80", "bytes": 737_280_000},
        "suite": "trixie", "xen": "4.20.2", "kernels": {"xen0": "6.12", "xenU": "6.12"},
        "layers": list(layers), "roles": {"dom0": list(layers)} if layers else {},
        "packages": {"count": 1, "installed_bytes": 1, "list": layout.PACKAGES},
        "sources": [{"name": "xen", "version": "4", "packages": ["xen"], "bytes": 1}],
        "recipe": {
            "disc": {"name": "tiny", "title": "Tiny", "media": "cd80", "reserve": 0},
            "menu": {"timeout": 3, "entries": ["xen"], "more": []}, "layers": {"level": 3},
        },
        "files": [
            {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in files().items()
        ],
    }  # fmt: skip


def whole(
    content: Mapping[str, bytes], manifest: bytes, listed: bytes | None = None
) -> list[Record]:
    """The records of a disc of these files, its manifest and, if none are given, right sums."""
    every = {**content, layout.MANIFEST: manifest}
    every[layout.SUMS] = sums(every) if listed is None else listed
    return tree(every)


def told(manifest: object) -> bytes:
    """A manifest as it stands on a disc."""
    return json.dumps(manifest).encode()


def entry(
    name: bytes, mode: int, data: bytes = b"", fields: Mapping[str, int] | None = None
) -> bytes:
    """An entry of a cpio archive, whose header says what it is told to."""
    values = dict.fromkeys(cpio.FIELDS, 0)
    values |= {"mode": mode, "filesize": len(data), "namesize": len(name) + 1, **(fields or {})}
    head = cpio.MAGIC + b"".join(b"%08X" % (value & 0xFFFFFFFF) for value in values.values())
    padded = head + name + b"\0"
    padded += bytes(-len(padded) % 4)
    return padded + data + bytes(-len(data) % 4)


def continuation(block: int, start: int, length: int) -> bytes:
    """A system use entry that says where the area goes on (IEEE P1281, 5.1)."""
    numbers = (block, start, length)
    return b"CE\x1c\1" + b"".join(struct.pack("<I", n) + struct.pack(">I", n) for n in numbers)


TRAILER = entry(b"TRAILER!!!", 0)
