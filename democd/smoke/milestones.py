"""How far a boot came, and when: read from its serial log."""

from __future__ import annotations

import re
from collections.abc import Sequence

FIRMWARE = "firmware"
KERNEL = r"\(XEN\) (?:\[[^\]]*\] ?)?Freed \d+kB init memory|Linux version \d"
"""Xen's last words before dom0 runs, or its kernel's first, which `quiet` keeps back."""

SIGNS = (
    ("GRUB", r"GNU GRUB|Welcome to GRUB|Loading Xen"),
    ("Xen", r"\(XEN\) "),
    ("dom0's kernel", KERNEL),
    ("dom0's init", r"Run /\S*init as init process|^(init|smoke): |systemd\["),
)
"""What tells that a stage has begun, in their order."""

_LINE = re.compile(r"^\[ *([0-9.]+)\] (.*)")


def read(log: Sequence[str], shell: str = "") -> dict[str, float]:
    """Return the second at which each stage of a boot began, in their order.

    Args:
        log: lines as `Transcript` writes them.
        shell: the pattern of dom0's prompt, the last stage `prompt`; "" leaves it out.
    """
    signs = [*SIGNS, *([("prompt", shell)] if shell else [])]
    found = {FIRMWARE: 0.0}
    for line in log:
        match = _LINE.match(line)
        for place, (name, pattern) in enumerate(signs):
            if match and name not in found and re.search(pattern, match[2]):
                found[name] = float(match[1])
                del signs[: place + 1]
                break
    return found


def second_of(line: str) -> float:
    """Return the second at which a line of a log was begun.

    Raises:
        ValueError: it is no such line.
    """
    match = _LINE.match(line)
    if not match:
        raise ValueError(f"no line of a serial log: {line!r}")
    return float(match[1])
