"""The order of version numbers, of kernels and of Xen."""

from __future__ import annotations

import re

RELEASED = 1 << 30


def version_key(version: str) -> tuple[object, ...]:
    """Return what orders versions: 6.9 < 6.10-rc1 < 6.10 < 6.10.1 < 6.10.1+deb13-amd64.

    Args:
        version: a kernel's release or a version of Xen; what does not start with a number comes
            before all that do.
    """
    match = re.match(
        r"(\d+(?:\.\d+)*)(?:[-~.]?(?:rc(\d+)|(pre|unstable)))?(.*)", version, re.DOTALL
    )
    if match is None:
        return ((), 0, ((0, 0, version),))
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 6.10 and 6.10.0 are one
    stage = -1 if match[3] else int(match[2]) if match[2] else RELEASED
    rest = tuple(
        (1, int(part), "") if part.isdecimal() else (0, 0, part)
        for part in re.findall(r"\d+|\D+", match[4])
    )
    return (tuple(numbers), stage, rest)
