"""Small kernels and hypervisors, made byte by byte, for tests: no real one is needed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Sequence

import lz4.block
import lzallright
import zstandard

NOTE_PV = (1, struct.pack("<Q", 0xFFFFFFFF81000000))  # ENTRY
NOTE_VIRT_BASE = (3, struct.pack("<Q", 0xFFFFFFFF80000000))
NOTE_XEN_VERSION = (5, b"xen-3.0\0")
NOTE_LINUX = (6, b"linux\0")  # GUEST_OS
NOTE_LOADER = (8, b"generic\0")
NOTE_PVH = (18, struct.pack("<I", 0x1000000))  # PHYS32_ENTRY
DOM0 = 0x8801
GUEST = 0x8001


def features(bits: int) -> tuple[int, bytes]:
    return (17, struct.pack("<I", bits))


def words(text: str) -> tuple[int, bytes]:
    return (10, text.encode() + b"\0")


def xen_notes(bits: int = DOM0, *, pv: bool = True, pvh: bool = True) -> list[tuple[int, bytes]]:
    """Return the notes of a kernel as today's Linux has them."""
    notes = [NOTE_LINUX, NOTE_XEN_VERSION, NOTE_LOADER, NOTE_VIRT_BASE, features(bits)]
    return notes + [NOTE_PV] * pv + [NOTE_PVH] * pvh


def note(owner: bytes, kind: int, content: bytes) -> bytes:
    name = owner + b"\0"
    return (
        struct.pack("<III", len(name), len(content), kind)
        + name.ljust((len(name) + 3) // 4 * 4, b"\0")
        + content.ljust((len(content) + 3) // 4 * 4, b"\0")
    )


def elf_file(content: bytes, notes: bytes, *, bits: int = 64, address: int = 0x1000000) -> bytes:
    """Return an ELF file that loads `content` (from offset 0x80 on) at `address`."""
    start = 0x80 if bits == 32 else 0xC0
    body = content.ljust((len(content) + 7) // 8 * 8, b"\0")
    segments = [
        (1, start, address, len(content)),
        (4, start + len(body), address + len(body), len(notes)),
    ]
    ident = b"\x7fELF" + bytes([1 if bits == 32 else 2, 1, 1]) + bytes(9)
    if bits == 32:
        head = struct.pack(
            "<HHIIIIIHHHHHH", 2, 3, 1, address, 52, 0, 0, 52, 32, len(segments), 40, 0, 0
        )
        table = b"".join(
            struct.pack("<IIIIIIII", kind, offset, where, where, size, size, 7, 4)
            for kind, offset, where, size in segments
        )
    else:
        head = struct.pack(
            "<HHIQQQIHHHHHH", 2, 62, 1, address, 64, 0, 0, 64, 56, len(segments), 64, 0, 0
        )
        table = b"".join(
            struct.pack("<IIQQQQQQ", kind, 7, offset, where, where, size, size, 4)
            for kind, offset, where, size in segments
        )
    return (ident + head + table).ljust(start, b"\0") + body + notes


def dynamic(needed: Sequence[str], interpreter: str = "", *, runpath: str = "") -> bytes:
    """Return the ELF file of a program, or of a library, that needs these libraries."""
    names, strings = [], b"\0"
    for name in [*needed, *([runpath] if runpath else [])]:
        names.append(len(strings))
        strings += name.encode() + b"\0"
    loader = interpreter.encode() + b"\0" if interpreter else b""
    at = 64 + 56 * (2 + bool(loader))
    tags = [(1, place) for place in names]  # DT_NEEDED
    if runpath:
        tags[-1] = (29, names[-1])  # DT_RUNPATH
    size = 16 * (len(tags) + 3)
    tags += [(5, at + size), (10, len(strings)), (0, 0)]  # DT_STRTAB, DT_STRSZ, DT_NULL
    table = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    body = table + strings + loader
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2 + bool(loader), 64, 0, 0)

    def segment(kind: int, offset: int, length: int) -> bytes:
        return struct.pack("<IIQQQQQQ", kind, 4, offset, offset, offset, length, length, 8)

    head += segment(1, 0, at + len(body)) + segment(2, at, size)  # PT_LOAD, PT_DYNAMIC
    if loader:
        head += segment(3, at + len(table + strings), len(loader))  # PT_INTERP
    return head + body


def vmlinux(
    release: str = "6.12.1-amd64", notes: list[tuple[int, bytes]] | None = None, *, bits: int = 64
) -> bytes:
    """Return the ELF file of a Linux kernel; `notes` are those of owner Xen."""
    banner = f"Linux version {release} (me@here) #1 SMP 2026-01-01\n\0".encode()
    made = xen_notes() if notes is None else notes
    table = b"".join(note(b"Xen", kind, content) for kind, content in made)
    return elf_file(banner + bytes(64), table, bits=bits)


def pack(kind: str, content: bytes) -> bytes:
    """Return `content` packed as the kernel's build does it (scripts/Makefile.lib)."""
    size = struct.pack("<I", len(content))
    match kind:
        case "":
            return content
        case "gzip":
            return gzip.compress(content, mtime=0)
        case "bzip2":
            return bz2.compress(content) + size
        case "lzma":
            return lzma.compress(content, lzma.FORMAT_ALONE) + size
        case "xz":
            filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 25}]
            return lzma.compress(content, check=lzma.CHECK_CRC32, filters=filters) + size
        case "zstd":
            return zstandard.ZstdCompressor(19, write_content_size=False).compress(content) + size
        case "lz4":
            return lz4_legacy(content) + size
        case "lzo":
            return lzop(content) + size
    raise ValueError(kind)


def lz4_legacy(content: bytes) -> bytes:
    packed = b"\x02\x21\x4c\x18"
    for start in range(0, len(content), 8 << 20):
        block = lz4.block.compress(content[start : start + (8 << 20)], store_size=False)
        packed += struct.pack("<I", len(block)) + block
    return packed


def lzop(content: bytes) -> bytes:
    adler = 0x1  # flag: a checksum of each unpacked block
    head = struct.pack(">HHHBBIIIIB", 0x1040, 0x20A0, 0x940, 3, 9, adler, 0o100644, 0, 0, 0)
    packed = b"\x89LZO\x00\r\n\x1a\n" + head + struct.pack(">I", zlib.adler32(head))
    for start in range(0, len(content), 256 << 10):
        block = content[start : start + (256 << 10)]
        small = lzallright.LZOCompressor().compress(block)
        stored = small if len(small) < len(block) else block
        packed += struct.pack(">III", len(block), len(stored), zlib.adler32(block)) + stored
    return packed + bytes(4)


def bzimage(
    payload: bytes,
    release: str = "6.12.1-amd64",
    *,
    protocol: int = 0x20F,
    efi: bool = True,
    bits: int = 64,
) -> bytes:
    """Return a bzImage around an already packed kernel."""
    sectors = 3
    image = bytearray((1 + sectors) * 512 + 256)
    image[0:2] = b"MZ" if efi else b"\xea\x05"
    image[0x1F1] = sectors
    image[0x1FE:0x200] = b"\x55\xaa"
    image[0x200:0x202] = b"\xeb\x6a"
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, protocol)
    struct.pack_into("<H", image, 0x20E, 0x200)  # the version string is at 0x400
    image[0x211] = 1  # loaded high
    struct.pack_into("<H", image, 0x236, 1 if bits == 64 else 0)
    struct.pack_into("<II", image, 0x248, 256, len(payload))
    banner = f"{release} (me@here) #1 SMP 2026-01-01".encode()
    image[0x400 : 0x400 + len(banner)] = banner
    return bytes(image) + payload


def linux(
    release: str = "6.12.1-amd64",
    notes: list[tuple[int, bytes]] | None = None,
    *,
    kind: str = "zstd",
) -> bytes:
    """Return a whole bzImage."""
    return bzimage(pack(kind, vmlinux(release, notes)), release)


OPTIONS = (
    "acpi", "apic", "com1", "com2", "console", "conring_size", "dom0", "dom0_mem", "edd",
    "guest_loglvl", "iommu", "ivrs_ioapic[", "loglvl", "noreboot", "nosmp", "placeholder",
    "real-mode", "sched", "smt", "sync_console", "vga", "watchdog",
)  # fmt: skip
UPPER = 0xFFFF82D040000000
MULTIBOOT1 = struct.pack("<III", 0x1BADB002, 3, -(0x1BADB002 + 3) & 0xFFFFFFFF)


def multiboot2(*, efi: bool = True) -> bytes:
    tags = struct.pack("<HHIII", 1, 0, 16, 4, 6)
    if efi:
        tags += struct.pack("<HHI", 7, 1, 8) + struct.pack("<HHII4x", 9, 1, 12, 0x200000)
    tags += struct.pack("<HHI", 0, 0, 8)
    length = 16 + len(tags)
    checksum = -(0xE85250D6 + length) & 0xFFFFFFFF
    return struct.pack("<IIII", 0xE85250D6, 0, length, checksum) + tags


def option_table(address: int, options: tuple[str, ...]) -> bytes:
    """Return a table of kernel_param and the names behind it, as they lie at `address`."""
    names = address + 24 * len(options)
    table, text = b"", b""
    for index, option in enumerate(options):
        kind = index % 6
        variable = 0 if kind == 5 else UPPER + 0x300000 + 8 * index
        table += struct.pack("<QIIQ", names + len(text), kind, 4, variable)
        text += option.encode() + b"\0"
    return table + text


def xen_content(
    address: int,
    version: str,
    *,
    options: tuple[str, ...] = OPTIONS,
    headers: bytes = b"",
    config: bool = True,
) -> bytes:
    """Return what a Xen loaded at `address` would consist of."""
    text = headers.ljust(256, b"\0") + b"\0Xen version %d.%d%s (%s@%s)\n\0"
    major, minor, *rest = version.split(".", 2)
    if config:
        text += gzip.compress(
            f"#\n# File\n# Xen/x86 {version} Configuration\n#\n".encode(), mtime=0
        )
    else:
        text = text.ljust(512, b"\x90")
        for number in (int(major), int(minor)):
            text += (b"\xb8" + struct.pack("<I", number) + b"\xc3").ljust(16, b"\x90")
        text += b"\0." + rest[0].encode() + b"\0<denied>\0"
    text = text.ljust((len(text) + 7) // 8 * 8, b"\0")
    return text + option_table(UPPER + address + len(text), options) + b"\0stray\0"


def xen(
    version: str = "4.20.2",
    *,
    headers: bytes | None = None,
    options: tuple[str, ...] = OPTIONS,
    config: bool = True,
    bits: int = 32,
) -> bytes:
    """Return a bare Xen for a multiboot loader."""
    if headers is None:
        headers = MULTIBOOT1.ljust(16, b"\0") + multiboot2()
    content = xen_content(0x200000, version, options=options, headers=headers, config=config)
    build_id = note(b"GNU", 3, bytes(range(20)))
    return elf_file(content, build_id, bits=bits, address=0x200000)


def xen_efi(version: str = "4.20.2") -> bytes:
    """Return a xen.efi: DOS head, PE head, one section `.data` and one `.buildid`."""
    content = xen_content(0x200000, version)
    build_id = b"RSDS" + bytes(range(16)) + struct.pack("<I", 1) + b"xen\0"
    start = 0x400
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 2, 0, 0, 0, 240, 0x22)
    optional = bytearray(240)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<Q", optional, 24, UPPER)
    struct.pack_into("<H", optional, 68, 10)
    struct.pack_into("<I", optional, 108, 16)
    sections = b"".join(
        struct.pack("<8sIIII16x", name, size, address, size, offset)
        for name, size, address, offset in (
            (b".data", len(content), 0x200000, start),
            (b".buildid", len(build_id), 0x400000, start + len(content)),
        )
    )
    return (dos + coff + bytes(optional) + sections).ljust(start, b"\0") + content + build_id
