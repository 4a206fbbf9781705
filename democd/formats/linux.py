"""Linux kernels for x86: bzImage and vmlinux, and what Xen can do with them."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from democd.errors import InputError
from democd.formats import elf
from democd.formats.compress import compression, unpack

# Types of Xen's ELF notes (xen/include/public/elfnote.h).
ENTRY = 1
GUEST_OS = 6
FEATURES = 10
SUPPORTED_FEATURES = 17
PHYS32_ENTRY = 18

FEATURE_DOM0 = 11  # xen/include/public/features.h, XENFEAT_dom0: the bit's number


@dataclass(frozen=True)
class SetupHeader:
    """The head of a bzImage; `payload_offset` and `payload_length` are places in the file.

    Attributes:
        version: e.g. 0x020f for protocol 2.15.
        banner: the kernel's version string: release, builder, number, date.
        bits: 64 if the kernel has a 64-bit entry point, else 32.
        efi_stub: it is an EFI program as well.
    """

    version: int
    banner: str
    bits: int
    efi_stub: bool
    payload_offset: int
    payload_length: int


@dataclass(frozen=True)
class XenNotes:
    """What a kernel's ELF notes tell Xen.

    Attributes:
        guest_os: e.g. `linux`; "" without any note: made without support for Xen.
        pv: it has an entry point for paravirtual domains.
        pvh: it has an entry point for PVH domains.
        dom0: it says that it can be domain 0.
        why: where it says so, or where it does not.
    """

    guest_os: str
    pv: bool
    pvh: bool
    dom0: bool
    why: str


@dataclass(frozen=True)
class LinuxKernel:
    """A Linux kernel, read from its file.

    Attributes:
        form: `bzImage` or `vmlinux`.
        release: as `uname -r` prints it.
        banner: release, builder, number and date.
        bits: 32 or 64.
        compression: of the payload, or "".
        efi_stub: UEFI can start it by itself.
    """

    form: str
    release: str
    banner: str
    bits: int
    compression: str
    efi_stub: bool
    xen: XenNotes


def is_bzimage(data: bytes) -> bool:
    """Tell whether `data` (512 + 20 bytes are enough) starts as a bzImage does."""
    return data[0x202:0x206] == b"HdrS" and data[0x1FE:0x200] == b"\x55\xaa"


def read_setup_header(data: bytes) -> SetupHeader:
    """Return the head of a bzImage.

    Offsets in the file (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header")::

        0x1f1  B  setup_sects: sectors of real-mode code behind the first; 0 means 4
        0x1fe  H  0xaa55
        0x202  4s "HdrS"
        0x206  H  protocol version
        0x20e  H  kernel_version: 0x200 below the place of the version string
        0x236  H  xloadflags: bit 0 64-bit entry, bits 2 and 3 EFI handover      (2.12)
        0x248  I  payload_offset, from the start of the protected-mode code      (2.08)
        0x24c  I  payload_length                                                 (2.08)

    Raises:
        InputError: it is no bzImage, or older than protocol 2.08 (Linux 2.6.24), or damaged.
    """
    if not is_bzimage(data):
        raise InputError("it is no bzImage")
    try:
        (version,) = struct.unpack_from("<H", data, 0x206)
        if version < 0x208:
            raise InputError(
                f"its boot protocol is {version >> 8}.{version & 0xFF:02}, from before "
                "Linux 2.6.24: what is in it cannot be told"
            )
        (text,) = struct.unpack_from("<H", data, 0x20E)
        (xloadflags,) = struct.unpack_from("<H", data, 0x236)
        offset, length = struct.unpack_from("<II", data, 0x248)
    except struct.error as error:
        raise InputError("the bzImage is cut short") from error
    banner = data[text + 0x200 :][:512].split(b"\0", 1)[0] if text else b""
    code = (1 + (data[0x1F1] or 4)) * 512
    if code + offset + length > len(data):
        raise InputError(f"the bzImage is cut short: {len(data)} bytes of {code + offset + length}")
    return SetupHeader(
        version=version,
        banner=banner.decode("latin-1"),
        bits=64 if version >= 0x20C and xloadflags & 1 else 32,
        efi_stub=data[:2] == b"MZ",
        payload_offset=code + offset,
        payload_length=length,
    )


def read_xen_notes(file: elf.Elf) -> XenNotes:
    """Return what a kernel's ELF notes tell Xen.

    Since Linux 2.6.37 SUPPORTED_FEATURES has a bit for domain 0; before it the word could only
    stand in FEATURES. Xen refuses a dom0 kernel that has the first without the bit.
    """
    guest_os = (file.content("Xen", GUEST_OS) or b"").rstrip(b"\0").decode("latin-1")
    bits = file.content("Xen", SUPPORTED_FEATURES)
    words = (file.content("Xen", FEATURES) or b"").rstrip(b"\0").decode("latin-1").split("|")
    if not any(note.owner == "Xen" for note in file.notes):
        dom0, why = False, "it has no ELF note for Xen: made without support for Xen"
    elif bits is not None:
        value = int.from_bytes(bits, "little")
        dom0 = bool(value >> FEATURE_DOM0 & 1)
        why = (
            f"its Xen note SUPPORTED_FEATURES ({value:#x}) "
            f"{'has' if dom0 else 'lacks'} the dom0 bit ({FEATURE_DOM0})"
        )
    else:
        dom0 = any(word.lstrip("!") == "dom0" for word in words)
        why = f"its Xen note FEATURES {'names' if dom0 else 'does not name'} dom0"
    return XenNotes(
        guest_os=guest_os,
        pv=file.content("Xen", ENTRY) is not None,
        pvh=file.content("Xen", PHYS32_ENTRY) is not None,
        dom0=dom0,
        why=why,
    )


def is_linux(data: bytes) -> bool:
    """Tell whether an ELF file is a Linux kernel."""
    return elf.is_elf(data) and _LINUX.search(data) is not None


_LINUX = re.compile(rb"Linux version (\S{1,64}) \([^\0\n]{1,400}")


def read(data: bytes) -> LinuxKernel:
    """Return what a kernel's file says of it.

    Args:
        data: a whole bzImage, or an ELF file (vmlinux), packed or not.

    Raises:
        InputError: it is no Linux kernel, or damaged.
    """
    if is_bzimage(data):
        header = read_setup_header(data)
        payload = data[header.payload_offset : header.payload_offset + header.payload_length]
        packed = compression(payload)
        vmlinux = unpack(payload) if packed else payload
        notes = read_xen_notes(elf.read(vmlinux))
        release = header.banner.split(" ", 1)[0]
        return LinuxKernel(
            "bzImage", release, header.banner, header.bits, packed, header.efi_stub, notes
        )
    packed = compression(data)
    vmlinux = unpack(data) if packed else data
    file = elf.read(vmlinux)
    match = _LINUX.search(vmlinux)
    if match is None:
        raise InputError("it is an ELF file, but no Linux kernel")
    banner = match[0].decode("latin-1").removeprefix("Linux version ")
    release = match[1].decode("latin-1")
    return LinuxKernel("vmlinux", release, banner, file.bits, packed, False, read_xen_notes(file))


def remembered(values: Mapping[str, Any]) -> LinuxKernel:
    """Return what `dataclasses.asdict` made JSON of."""
    return LinuxKernel(**{**values, "xen": XenNotes(**values["xen"])})
