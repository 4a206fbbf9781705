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
    numbers, stage, rest = _parts(version)
    words = tuple(
        (1, int(part), "") if part.isdecimal() else (0, 0, part)
        for part in re.findall(r"[0-9]+|[^0-9]+", rest)
    )
    return (numbers, stage, words)


def age_key(version: str) -> tuple[object, ...]:
    """Return what orders versions by their numbers alone.

    6.1.0-56-amd64 and 6.1.0-56-cloud-amd64 are of one age: two flavours of one source.
    """
    numbers, stage, rest = _parts(version)
    return (numbers, stage, tuple(int(part) for part in re.findall(r"[0-9]+", rest)))


def _parts(version: str) -> tuple[tuple[int, ...], int, str]:
    """Return the leading numbers, how finished it is, and the rest."""
    match = re.match(
        r"(\d+(?:\.\d+)*)(?:[-~.]?(?:rc(\d+)|(pre|unstable)))?(.*)", version, re.ASCII | re.DOTALL
    )
    if match is None:
        return (), 0, version
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 6.10 and 6.10.0 are one
    stage = -1 if match[3] else int(match[2]) if match[2] else RELEASED
    return tuple(numbers), stage, match[4]
