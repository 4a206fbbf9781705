"""The Xen hypervisor for x86: `xen`, `xen.gz`, `xen.efi`."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from democd.errors import InputError
from democd.formats import elf, pe
from democd.formats.compress import compression, unpack
from democd.formats.xen_options import find_options

BUILD_ID = 3  # NT_GNU_BUILD_ID, owner GNU


@dataclass(frozen=True)
class Multiboot2:
    """A multiboot2 header.

    Attributes:
        tags: type numbers of its tags.
        efi: it has an entry point for 64-bit EFI: GRUB starts it on UEFI with its services.
    """

    tags: tuple[int, ...]
    efi: bool


@dataclass(frozen=True)
class Hypervisor:
    """A Xen hypervisor, read from its file.

    Attributes:
        form: `ELF` (for a multiboot loader) or `EFI` (xen.efi).
        bits: 32 for the image that boots; 64 is xen-syms, which is for debuggers, or xen.efi.
        version: e.g. `4.20.2`; "" if it cannot be told.
        build_id: hexadecimal, or "".
        multiboot1: it has a header for multiboot 1.
        multiboot2: its header for multiboot 2, or None.
        options: names of the command-line options it knows.
        exact: `options` is its own table, not a guess.
        signed: it carries a signature for Secure Boot.
    """

    form: str
    bits: int
    version: str
    build_id: str
    multiboot1: bool
    multiboot2: Multiboot2 | None
    options: frozenset[str]
    exact: bool
    signed: bool


def is_xen(data: bytes) -> bool:
    """Tell whether an unpacked ELF or PE file is a Xen hypervisor: it can print Xen's banner."""
    return (elf.is_elf(data) or pe.is_pe(data)) and b"Xen version %d.%d" in data


def read(data: bytes) -> Hypervisor:
    """Return what a hypervisor's file says of it.

    Args:
        data: the whole file, packed or not.

    Raises:
        InputError: it is no Xen hypervisor, or damaged.
    """
    if compression(data):
        data = unpack(data)
    if not is_xen(data):
        raise InputError("it is no Xen hypervisor")
    if elf.is_elf(data):
        return _read_elf(data)
    return _read_efi(data)


def _read_elf(data: bytes) -> Hypervisor:
    file = elf.read(data)
    multiboot1, multiboot2 = has_multiboot1(data), find_multiboot2(data)
    if not multiboot1 and multiboot2 is None:
        raise InputError("it has no multiboot header: no boot loader can start this Xen")
    options, exact = find_options(data, file.loads)
    build_id = file.content("GNU", BUILD_ID) or b""
    return Hypervisor(
        form="ELF",
        bits=file.bits,
        version=find_version(data),
        build_id=build_id.hex(),
        multiboot1=multiboot1,
        multiboot2=multiboot2,
        options=options,
        exact=exact,
        signed=False,
    )


def _read_efi(data: bytes) -> Hypervisor:
    file = pe.read(data)
    # Debugging sections can be ten times the rest, and hold no data of the program.
    real = [part for part in file.sections if not part.name.startswith((".debug", "/"))]
    end = max((part.offset + part.size for part in real), default=len(data))
    data = data[:end]
    options, exact = find_options(data, real)
    return Hypervisor(
        form="EFI",
        bits=64,
        version=find_version(data),
        build_id=_codeview_id(data, real),
        multiboot1=False,
        multiboot2=None,
        options=options,
        exact=exact,
        signed=file.signed,
    )


def _codeview_id(data: bytes, sections: Sequence[pe.Section]) -> str:
    """Return the build-id of section .buildid: a debug directory and a CodeView record RSDS."""
    for part in sections:
        content = data[part.offset : part.offset + part.size]
        at = content.find(b"RSDS")
        if part.name == ".buildid" and 0 <= at <= len(content) - 20:
            return content[at + 4 : at + 20].hex()
    return ""


def has_multiboot1(data: bytes) -> bool:
    """Tell whether there is a multiboot 1 header.

    In the first 8192 bytes, aligned to 4 (Multiboot Specification 0.6.96, section 3.1)::

        0  I  0x1badb002
        4  I  flags
        8  I  checksum: the three add up to 0
    """
    return any(
        sum(struct.unpack_from("<III", data, at)) & 0xFFFFFFFF == 0
        for at in _places(data[:8192], b"\x02\xb0\xad\x1b", 4, 12)
    )


def find_multiboot2(data: bytes) -> Multiboot2 | None:
    """Return the multiboot2 header, or None.

    In the first 32768 bytes, aligned to 8 (Multiboot2 Specification 2.0, section 3.1)::

        0   I  0xe85250d6
        4   I  architecture: 0 is i386
        8   I  length of the header with its tags
        12  I  checksum: the four add up to 0
        16  …  tags, aligned to 8: H type (0 ends), H flags, I size
    """
    for at in _places(data[:32768], b"\xd6\x50\x52\xe8", 8, 16):
        fields = struct.unpack_from("<IIII", data, at)
        if sum(fields) & 0xFFFFFFFF == 0 and fields[1] == 0:
            tags = _tags(data[at + 16 : at + fields[2]])
            return Multiboot2(tags, 7 in tags and 9 in tags)
    return None


def _tags(table: bytes) -> tuple[int, ...]:
    tags = []
    position = 0
    while position + 8 <= len(table):
        kind, _, size = struct.unpack_from("<HHI", table, position)
        if kind == 0 or size < 8:
            break
        tags.append(kind)
        position += (size + 7) // 8 * 8
    return tuple(tags)


def _places(data: bytes, magic: bytes, alignment: int, size: int) -> list[int]:
    """Return the aligned places in `data` at which `magic` and a header of `size` bytes stand."""
    found = (match.start() for match in re.finditer(re.escape(magic), data))
    return [at for at in found if at % alignment == 0 and at + size <= len(data)]


def find_version(data: bytes) -> str:
    """Return the version that Xen prints in its banner, or "" if it cannot be told.

    Nowhere does the image hold it in one piece. Xen since 4.14 carries its own configuration,
    gzipped, which starts with the version. Without it there are two functions side by side that
    return the numbers, and a string for the rest that stands before `<denied>` (common/version.c).
    """
    for match in re.finditer(rb"\x1f\x8b\x08[\0-\x1f]", data):
        try:
            text = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data[match.start() :], 400)
        except zlib.error:
            continue
        if found := re.search(rb"# Xen/\S+ (\d+\.\S+) Configuration", text):
            return found[1].decode("latin-1")
    numbers = _NUMBERS.search(data)
    if numbers is None:
        return ""
    extra = re.search(rb"\0([-.~+\w]{0,32})\0<denied>\0", data)
    rest = extra[1].decode("latin-1") if extra and extra[1][:1] in b".-" else ""
    return f"{numbers[1][0]}.{numbers[2][0]}{rest}"


# Two functions, 16 bytes apart: [endbr64], mov $N,%eax, then ret or a jump to the return thunk.
_NUMBERS = re.compile(
    rb"(?s)(?:\xf3\x0f\x1e\xfa)?\xb8([\x03-\x09])\0\0\0(?:\xc3.{10}|\xe9.{10})"
    rb"(?:(?<=.{20})\xf3\x0f\x1e\xfa)?\xb8([\0-\x63])\0\0\0[\xc3\xe9]"
)


def remembered(values: Mapping[str, Any]) -> Hypervisor:
    """Return what `dataclasses.asdict` made JSON of."""
    header = values["multiboot2"]
    multiboot2 = Multiboot2(tuple(header["tags"]), header["efi"]) if header else None
    options = frozenset(values["options"])
    return Hypervisor(**{**values, "multiboot2": multiboot2, "options": options})
