"""What the person wants installed, from the command line or from a file of answers alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Pairs = list[tuple[str, str]]

WAYS = {
    "disk": "a whole disk of its own",
    "into": "beside an existing Linux, with its root",
    "frugal": "the disc as a file on a partition",
}
ENDS = ("stay", "reboot", "poweroff")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SIZE = re.compile(r"([0-9]+)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # of a host name: RFC 1123, 2.1
# crypt(5): yescrypt, SHA-512, SHA-256, bcrypt; what is weaker is no password.
HASH = re.compile(r"\$(6|5|y|gy|2[aby])\$[A-Za-z0-9./$=,+-]{20,}")
WELL_KNOWN = "xendemo"
"""The password that everybody knows from the disc; an installed system never has it."""


@dataclass(frozen=True)
class Options:
    """What is wanted.

    Args:
        way: one of `WAYS`.
        target: a device's path, or for `into` a folder with a Linux.
        remove: take out again what was installed there (`into`, `frugal`).
        disc: the folder where the disc is mounted, "" to look for it.
        wipe: the disk that may be emptied, "" for none.
        serial, size: what an unattended run knows the disk by; "" and 0 for nothing.
        hostname: of the new system.
        password_hash: of root in the new system, as in /etc/shadow; "" when it is yet to be asked.
        separate_usr: /usr gets a partition of its own.
        swap: bytes of a swap partition, 0 for none.
        default: Xen becomes what boots by itself (`into`, `frugal`).
        guests: `xendemo create` shall work there: the disc is kept as a file.
        boot: DIR or PARTITION of the Linux whose GRUB gets the entry (`frugal`), "" for the target.
        dry_run: show the plan and do nothing.
        confirm: what would be typed, "" to have it asked.
        unattended: nobody is there to be asked.
        end: what the machine does afterwards, one of `ENDS`.
        check: read all of the disc before anything is written.
    """

    way: str
    target: str
    remove: bool = False
    disc: str = ""
    wipe: str = ""
    serial: str = ""
    size: int = 0
    hostname: str = "xendemo"
    password_hash: str = ""
    separate_usr: bool = False
    swap: int = 0
    default: bool = False
    guests: bool = True
    boot: str = ""
    dry_run: bool = False
    confirm: str = ""
    unattended: bool = False
    end: str = "stay"
    check: bool = True


MEANT_FOR = {
    "wipe": ("disk",), "serial": ("disk",), "size": ("disk",), "hostname": ("disk",),
    "password_hash": ("disk",), "separate_usr": ("disk",), "swap": ("disk",),
    "guests": ("disk",), "default": ("into", "frugal"), "boot": ("frugal",),
    "remove": ("into", "frugal"),
}  # fmt: skip
"""Options that only some ways have."""


def judge(options: Options, spelled: Mapping[str, str]) -> Pairs:
    """Return what is wrong with options by themselves, whatever the machine is like.

    Args:
        options: as they were given.
        spelled: how the person writes each field: `--swap`, or `[disk] swap`.
    """
    mistakes: Pairs = []
    fresh = Options(options.way, options.target)
    for name, ways in MEANT_FOR.items():
        if getattr(options, name) != getattr(fresh, name) and options.way not in ways:
            mistakes.append((
                f"{spelled[name]} means nothing to {spelled[options.way]}",
                f"it is for {' and '.join(spelled[way] for way in ways)}; leave it out",
            ))  # fmt: skip
    mistakes += _target_mistakes(options, spelled)
    if reason := hostname_mistake(options.hostname):
        mistakes.append((f"{spelled['hostname']} '{options.hostname}': {reason}",
                         "1 to 63 of a-z 0-9 and - in the middle, such as xen1"))  # fmt: skip
    if options.password_hash and (reason := hash_mistake(options.password_hash)):
        mistakes.append((f"{spelled['password_hash']}: {reason}",
                         "make one with: openssl passwd -6"))  # fmt: skip
    if options.way == "disk" and options.unattended and not options.password_hash:
        mistakes.append((f"{spelled['password_hash']} is missing, and nobody can be asked",
                         "make one with: openssl passwd -6"))  # fmt: skip
    return mistakes


def _target_mistakes(options: Options, spelled: Mapping[str, str]) -> Pairs:
    way, target = options.way, options.target
    if not target:
        return [(f"{spelled[way]} names nothing", "see what there is: lsblk")]
    if not target.startswith("/"):
        return [(f"{spelled[way]} {target}: no whole path", "write it from / on: /dev/…")]
    mistakes: Pairs = []
    if way in ("disk", "frugal") and not target.startswith("/dev/"):
        mistakes.append((f"{spelled[way]} {target}: no device", "see what there is: lsblk"))
    if options.wipe and not options.wipe.startswith("/dev/"):
        mistakes.append((f"{spelled['wipe']} {options.wipe}: no device",
                         "it names the very disk that may be emptied"))  # fmt: skip
    return mistakes


def parse_size(text: str) -> int:
    """Return bytes: `512M`, `2G`, `4 GiB`; units are powers of 1024.

    Raises:
        ValueError: it is none; with the reason.
    """
    match = SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is no size; write 512M or 2G")
    return int(match[1]) * UNITS[match[2].upper()]


def say_size(size: int) -> str:
    """Return a size as a person says it: 931.5 GiB, 512.0 MiB, 700 bytes."""
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def hostname_mistake(name: str) -> str:
    """Return why a text is no host name, or ""."""
    if not name:
        return "is empty"
    return "" if LABEL.fullmatch(name) else "cannot be a host name"


def hash_mistake(text: str) -> str:
    """Return why a text must not stand in /etc/shadow as a password's hash, or ""."""
    if not HASH.fullmatch(text):
        return "is no hash of a password as /etc/shadow has them"
    from xendemo.install.password import is_hash_of

    return f"is the password '{WELL_KNOWN}', which everybody knows" if is_hash_of(
        WELL_KNOWN, text) else ""  # fmt: skip


def password_mistake(password: str) -> str:
    """Return why a text cannot be the new system's password, or ""."""
    if not password:
        return "it is empty"
    if password == WELL_KNOWN:
        return f"everybody knows '{WELL_KNOWN}'"
    if not password.isprintable():
        return "it has characters that cannot be typed"
    return ""
