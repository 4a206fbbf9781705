"""What a disk says that is started before its installation is finished. Pure.

A disk's first sector gets this in place of a boot loader: it says so, waits for a key, and lets the
BIOS try its next device. grub-install replaces it at the very end. For UEFI nothing is needed: the
ESP is empty until then.
"""

from __future__ import annotations

ORIGIN = 0x7C00  # where a BIOS puts the first sector of a disk
CODE_SIZE = 440  # of it, before the disk's signature and the partition table

MESSAGE = (
    "\r\nThe installation of Xen on this disk was not finished: it does not boot."
    "\r\nStart the disc again and install once more: xendemo install"
    "\r\nPress a key to try the next device. "
)

# 16-bit code, at 0000:7C00 or 07C0:0000. Offsets in the first column.
_CODE = bytes.fromhex(
    "fa"  #       00 cli
    "31c0"  #     01 xor ax, ax
    "8ed8"  #     03 mov ds, ax
    "8ed0"  #     05 mov ss, ax
    "bc007c"  #   07 mov sp, 0x7c00
    "fb"  #       0a sti
    "fc"  #       0b cld
    "be0000"  #   0c mov si, message
    "ac"  #       0f lodsb
    "84c0"  #     10 test al, al
    "7409"  #     12 jz 0x1d
    "b40e"  #     14 mov ah, 0x0e     ; teletype
    "bb0700"  #   16 mov bx, 0x0007
    "cd10"  #     19 int 0x10
    "ebf2"  #     1b jmp 0x0f
    "31c0"  #     1d xor ax, ax       ; wait for a key
    "cd16"  #     1f int 0x16
    "cd18"  #     21 int 0x18         ; not bootable: the next device
    "f4"  #       23 hlt
    "ebfd"  #     24 jmp 0x23
)
_MESSAGE_AT = 0x0D  # where the code names the message's address


def boot_code() -> bytes:
    """Return the code and its message, at most `CODE_SIZE` bytes."""
    code = bytearray(_CODE)
    code[_MESSAGE_AT : _MESSAGE_AT + 2] = (ORIGIN + len(_CODE)).to_bytes(2, "little")
    return bytes(code) + MESSAGE.encode("ascii") + b"\0"


def write(device: str) -> tuple[str, ...]:
    """Return the command that puts it onto a disk, without touching the partition table."""
    octal = "".join(f"\\{byte:03o}" for byte in boot_code())
    # 440 bytes and no more, from whatever dd gets at once.
    return (
        "sh", "-c", f'printf "{octal}" | dd of="$1" bs={CODE_SIZE} conv=notrunc status=none',
        "sh", device,
    )  # fmt: skip
