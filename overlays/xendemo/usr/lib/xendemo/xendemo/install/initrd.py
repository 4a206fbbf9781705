"""The initrd of an installed system: the disc's own, and behind it the modules that it lacks.

The kernel unpacks one cpio archive after the other (Linux, Documentation/driver-api/
early-userspace/buffer-format.rst); the disc's is packed, what we add is not.
"""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterable, Mapping

from xendemo.errors import Failure

# What the disc's initrd has: the words of rootfs/modules/disc and hardware; a test compares.
ABOARD = frozenset(
    [
        "aacraid",
        "ahci",
        "aic7xxx",
        "ata_generic",
        "ata_piix",
        "ehci_pci",
        "exfat",
        "ext4",
        "hid_generic",
        "isofs",
        "loop",
        "megaraid_mbox",
        "megaraid_sas",
        "mpt3sas",
        "mptfc",
        "mptsas",
        "mptspi",
        "nls_ascii",
        "nls_cp437",
        "nls_iso8859_1",
        "nls_utf8",
        "ntfs3",
        "nvme",
        "ohci_pci",
        "overlay",
        "pata_amd",
        "pata_via",
        "sata_nv",
        "sata_sil",
        "sata_via",
        "sd_mod",
        "squashfs",
        "sr_mod",
        "sym53c8xx",
        "uas",
        "uhci_hcd",
        "usb_storage",
        "usbhid",
        "vfat",
        "virtio_blk",
        "virtio_pci",
        "virtio_scsi",
        "vmd",
        "vmw_pvscsi",
        "xen_blkfront",
        "xhci_pci",
    ]
)
# Modules that a file system asks for by what they can, which modules.dep does not tell.
ALSO = {
    "btrfs": ("crc32c_generic", "xxhash_generic", "blake2b_generic", "sha256_generic"),
    "f2fs": ("crc32_generic",),
    "xfs": ("crc32c_generic",),
}
SAME = {"ext2": "ext4", "ext3": "ext4"}  # ext4's driver mounts those too
LIST = "etc/more-modules"  # rootfs/find-root loads what it names, in its order
MAGIC = b"070701"
FOLDER, FILE = 0o040755, 0o100644


def wanted(fstypes: Iterable[str], drivers: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that file systems and controllers need, and the disc's initrd lacks."""
    names = dict.fromkeys(normal(SAME.get(fstype, fstype)) for fstype in fstypes)
    names |= dict.fromkeys(normal(driver) for driver in drivers)
    lacking = [name for name in names if name not in ABOARD]
    return tuple(also for name in lacking for also in (*ALSO.get(name, ()), name))


def normal(name: str) -> str:
    """Return a module's name as the kernel spells it."""
    return name.replace("-", "_")


def closure(dep: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the files of modules and all that they need, each behind what it needs itself.

    Args:
        dep: the text of modules.dep: `FILE: NEEDED…`, all that it needs, the nearest first.
        names: modules; built-in ones, and those that this kernel does not have, are passed over.
    """
    needs = {}
    for line in dep.splitlines():
        file, _, rest = line.partition(":")
        needs[module_name(file)] = (file, rest.split())
    files: dict[str, None] = {}
    for name in names:
        if name in needs:
            file, needed = needs[name]
            files |= dict.fromkeys((*reversed(needed), file))
    return tuple(files)


def knows(fstype: str, dep: str, builtin: str) -> bool:
    """Return whether the kernel can mount a file system.

    Args:
        fstype: its type.
        dep: the text of modules.dep.
        builtin: the text of modules.builtin.
    """
    name = normal(SAME.get(fstype, fstype))
    files = [line.partition(":")[0] for line in (*dep.splitlines(), *builtin.splitlines())]
    return name in map(module_name, files)


def module_name(file: str) -> str:
    """Return the name of the module in a file: `kernel/fs/xfs/xfs.ko.xz` is xfs."""
    return normal(file.rpartition("/")[2].partition(".ko")[0])


def load(folder: str, files: Iterable[str]) -> dict[str, bytes]:
    """Read modules and unpack them.

    Args:
        folder: lib/modules/RELEASE.
        files: paths in it, in the order of loading.

    Raises:
        Failure: one is packed in a way that we do not know.
    """
    loaded = {}
    for file in files:
        with open(os.path.join(folder, file), "rb") as stream:
            data = stream.read()
        plain, dot, packing = file.partition(".ko")
        if packing == ".xz":
            data = lzma.decompress(data)
        elif packing:
            raise Failure(f"the module {file} is packed as {packing}, which is not known here")
        loaded[plain + dot] = data
    return loaded


def extend(disc: bytes, release: str, modules: Mapping[str, bytes]) -> bytes:
    """Return the initrd: the disc's, and the modules behind it, where there are any.

    Args:
        disc: the disc's initrd-xen0.
        release: of the kernel.
        modules: path in lib/modules/RELEASE to content, in the order of loading.
    """
    if not modules:
        return disc
    top = f"lib/modules/{release}"
    files = {f"{top}/{path}": data for path, data in modules.items()}
    files[LIST] = "".join(f"/{path}\n" for path in files).encode()
    return disc + bytes(-len(disc) % 4) + archive(files)


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a newc cpio archive of files and the folders they are in; the same bytes each time."""
    folders = {path[:at] for path in files for at, char in enumerate(path) if char == "/"}
    entries = [(path, FOLDER, b"") for path in folders]
    entries += [(path, FILE, data) for path, data in files.items()]
    records = [
        _record(path, number, mode, data)
        for number, (path, mode, data) in enumerate(sorted(entries), start=1)
    ]
    return b"".join([*records, _record("TRAILER!!!", 0, 0, b"")])


# A record is the magic, thirteen numbers of eight hexadecimal digits, the name with a NUL, and the
# data; name and data each end on a multiple of four bytes. The numbers: inode, mode, uid, gid,
# links, mtime, size, the device it lay on (2), the device it is (2), length of the name, checksum.
def _record(path: str, number: int, mode: int, data: bytes) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if mode == FOLDER else 1
    numbers = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = MAGIC + b"".join(b"%08X" % value for value in numbers)
    return _padded(header + name) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
