"""What Xen and Linux are told when they start: the disc's own words, and those of the target."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from xendemo.errors import Failure

# Of the disc's words: these are for a system that lies on the disc.
_OF_THE_DISC = re.compile(r"role=|net\.ifnames=|\$|findiso=")
# Of the target's: what our entry says itself, what is for its own initramfs, and what only hides.
_NOT_TAKEN = re.compile(
    r"(root|rootflags|rootfstype|console|initrd|BOOT_IMAGE|resume|resume_offset|crashkernel|vga|"
    r"cryptdevice|video)=|rd\.|(ro|rw|quiet|splash|rhgb|nosplash|noresume)$|.*[$`\\]"
)


@dataclass(frozen=True)
class Words:
    """Options of the entry.

    Args:
        xen: for Xen, "dom0_mem=max:512M".
        linux: for Linux, without root= and what belongs to it.
    """

    xen: tuple[str, ...]
    linux: tuple[str, ...]


def of_disc(menu: str) -> Words:
    """Return what the disc's menu gives to Xen and Linux in its entry `xen`.

    Raises:
        Failure: the menu has no such entry.
    """
    found = re.search(
        r"--id xen \{.*?^\s*multiboot2 \S+(?P<xen>[^\n]*)\n.*?^\s*module2 \S+(?P<linux>[^\n]*)\n",
        menu, re.DOTALL | re.MULTILINE,
    )  # fmt: skip
    if not found:
        raise Failure("the disc's menu has no entry named xen", "it can only be booted, not copied")
    xen, linux = (
        tuple(word for word in found[name].split() if not _OF_THE_DISC.match(word))
        for name in ("xen", "linux")
    )
    return Words(xen, linux)


def taken(line: str) -> tuple[str, ...]:
    """Return which words of the target's own command line its Linux under Xen shall have too.

    How its network cards are named, which security module it has: things that its files rely on.
    """
    return tuple(word for word in line.split() if not _NOT_TAKEN.match(word))


def assigned(text: str, name: str) -> str:
    """Return what a shell's file of assignments, as /etc/default/grub is one, gives a variable."""
    value = ""
    for match in re.finditer(rf"^\s*(?:export\s+)?{name}=(.*)$", text, re.MULTILINE):
        try:
            value = " ".join(shlex.split(match[1], comments=True))
        except ValueError:  # a quote that goes on in the next line
            value = ""
    return value
