"""A disk with a Linux of long ago, as small as one can be: what an installer looks at, and a GRUB.

It starts by BIOS and says so. There is no generator for GRUB's configuration on it.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

from democd.host.run import run

SAYS = "Here starts the old Linux."
GRUB = Path("/usr/lib/grub/i386-pc")
SECTOR = 512
CORE = 34  # where the BIOS boot partition begins: behind the GPT
ROOT = 2048
BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"

_MENU = f"""\
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set default=0
set timeout=20
menuentry 'The old Linux' --id old {{
  echo '{SAYS}'
  sleep 1000
}}
"""
_FILES = {
    "etc/os-release": 'ID=old\nNAME="Old Linux"\nPRETTY_NAME="Old Linux 1"\n',
    "etc/fstab": "LABEL=old / ext4 defaults 0 1\n",
    "etc/hostname": "old\n",
    "boot/grub/grub.cfg": _MENU,
    "root/notes": "words that nobody may lose\n",
}


def make(folder: Path, size: int) -> Path:
    """Make the disk.

    Args:
        folder: where it is put, as old.img.
        size: of the root's partition, bytes.
    """
    tree, disk = folder / "old", folder / "old.img"
    shutil.rmtree(tree, ignore_errors=True)
    for name, text in _FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("usr/bin/true", "usr/bin/sh"):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"/{name}", path, follow_symlinks=True)
    for link in ("bin", "lib", "sbin"):
        (tree / "usr" / link).mkdir(exist_ok=True)
        (tree / link).symlink_to(f"usr/{link}")
    shutil.copytree(GRUB, tree / "boot/grub/i386-pc")
    with disk.open("wb") as stream:
        stream.truncate(ROOT * SECTOR + size + (1 << 20))
    table = (
        f"label: gpt\nfirst-lba: {CORE}\n"
        f"start={CORE}, size={ROOT - CORE}, type={BIOS_BOOT}\n"
        f"start={ROOT}, size={size // SECTOR}, type=linux\n"
    )
    run(["sfdisk", "--quiet", disk], feed=lambda stream: stream.write(table.encode()))
    run(["mkfs.ext4", "-q", "-L", "old", "-d", tree, "-E", f"offset={ROOT * SECTOR}", disk,
         f"{size // 1024}k"])  # fmt: skip
    _install_grub(folder, disk)
    shutil.rmtree(tree)
    return disk


def _install_grub(folder: Path, disk: Path) -> None:
    """Put GRUB onto a disk as grub-bios-setup does, which wants a device and root.

    boot.img: the sector of core.img at 0x5c. diskboot.img, the first sector of core.img: at 0x1f4
    the sector where the rest of it is; how long that is grub-mkimage has written (GRUB,
    include/grub/offsets.h; grub-core/boot/i386/pc/diskboot.S).
    """
    image = folder / "core.img"
    modules = ["biosdisk", "part_gpt", "ext2", "normal"]
    run(["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-p", "(,gpt2)/boot/grub", "-o", image,
         *modules])  # fmt: skip
    core = bytearray(image.read_bytes())
    assert len(core) <= (ROOT - CORE) * SECTOR
    struct.pack_into("<Q", core, 0x1F4, CORE + 1)
    boot = bytearray((GRUB / "boot.img").read_bytes()[:440])
    struct.pack_into("<Q", boot, 0x5C, CORE)
    with disk.open("r+b") as stream:
        stream.write(boot)
        stream.seek(CORE * SECTOR)
        stream.write(core)
