"""The media that the boot tests need beside the disc itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from democd.formats.isoread import BLOCK, open_disc
from democd.host.run import run

ISO_PATH = "/isos/xendemo.iso"
DISK_SAYS = "Here starts the first hard disk."
SCRATCH = "SCRATCH"
"""The label of `stick`."""

# A boot sector that says DISK_SAYS on COM1 (port 0x3f8; its line status is 0x3fd) and halts.
#   00  31 c0        xor ax, ax           12  ec           in al, dx
#   02  8e d8        mov ds, ax           13  a8 20        test al, 0x20   ; may send?
#   04  fc           cld                  15  74 fb        jz 0x12
#   05  be 21 7c     mov si, 0x7c21       17  b2 f8        mov dl, 0xf8
#   08  ac           lodsb                19  88 d8        mov al, bl
#   09  84 c0        test al, al          1b  ee           out dx, al
#   0b  74 11        jz 0x1e              1c  eb ea        jmp 0x08
#   0d  88 c3        mov bl, al           1e  f4           hlt
#   0f  ba fd 03     mov dx, 0x3fd        1f  eb fd        jmp 0x1e
_TALKING = bytes.fromhex(
    "31c0 8ed8 fc be217c ac 84c0 7411 88c3 bafd03 ec a820 74fb b2f8 88d8 ee ebea f4 ebfd"
)

# What a multi-boot stick does with an .iso file: opens it, tells its path, and goes on with the
# menu that the disc has for that.
_STARTER = f"""\
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --file {ISO_PATH} --set=disk
set iso_path={ISO_PATH}
export iso_path
loopback loop ($disk)$iso_path
set root=loop
configfile (loop)/boot/grub/loopback.cfg
"""


class Media:
    """Makes each medium when it is first asked for.

    Args:
        iso: the disc.
        folder: where the media are put.
    """

    def __init__(self, iso: Path, folder: Path) -> None:
        self.iso = iso
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def damaged(self) -> Path:
        """The disc with one bit flipped in the middle of base.squashfs."""
        path = self.folder / "damaged.iso"
        with open_disc(self.iso) as disc:
            extent = disc.files()["/live/base.squashfs"]
        shutil.copyfile(self.iso, path)
        with path.open("r+b") as stream:
            stream.seek(extent.lba * BLOCK + extent.size // 2)
            byte = stream.read(1)[0]
            stream.seek(-1, os.SEEK_CUR)
            stream.write(bytes([byte ^ 1]))
        return path

    def keeper(self) -> Path:
        """A disk with an ext4 partition that holds the disc as a file."""
        tree, path = self.folder / "keeper", self.folder / "keeper.img"
        kept = tree / ISO_PATH.lstrip("/")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.iso, kept)
        size = self.iso.stat().st_size + (64 << 20)
        with path.open("wb") as stream:
            stream.truncate(size + (2 << 20))
        table = b"label: gpt\nstart=2048, size=%d, type=linux\n" % (size // 512)
        run(["sfdisk", "--quiet", path], feed=lambda stream: _write(stream, table))
        run(["mkfs.ext4", "-q", "-d", tree, "-E", "offset=1048576", path, f"{size // 1024}k"])
        shutil.rmtree(tree)
        return path

    def starter(self) -> Path:
        """A small CD with nothing but a GRUB that starts the disc from its file."""
        tree, path = self.folder / "starter", self.folder / "starter.iso"
        (tree / "boot/grub").mkdir(parents=True, exist_ok=True)
        (tree / "boot/grub/grub.cfg").write_text(_STARTER)
        run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", path, tree])
        return path

    def talking_disk(self) -> Path:
        """A hard disk whose boot sector says DISK_SAYS on the serial line."""
        path = self.folder / "talking.img"
        sector = (_TALKING + DISK_SAYS.encode() + b"\r\n\0").ljust(510, b"\0") + b"\x55\xaa"
        path.write_bytes(sector.ljust(8 << 20, b"\0"))
        return path

    def stick(self) -> Path:
        """An empty USB stick with one big FAT file system, without partitions."""
        path = self.folder / "stick.img"
        with path.open("wb") as stream:
            stream.truncate(2 << 30)
        run(["mkfs.vfat", "-n", SCRATCH, path])
        return path


def _write(stream, data: bytes) -> None:  # type: ignore[no-untyped-def]
    stream.write(data)
