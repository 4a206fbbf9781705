"""What a program may take at most: for those that read what strangers made."""

from __future__ import annotations

import math
import resource
import sys
from dataclasses import dataclass

from democd.host.tools import find_tool


@dataclass(frozen=True)
class Bounds:
    """A program is ended, or fails, when it reaches one of them.

    Attributes:
        seconds: that it may run.
        printed: bytes of standard output.
        data: bytes of memory for data (RLIMIT_DATA).
        written: bytes of each file that it writes (RLIMIT_FSIZE).
    """

    seconds: float = math.inf
    printed: int = sys.maxsize
    data: int | None = None
    written: int | None = None

    def kept(self) -> list[str]:
        """Return the argv prefix by which the kernel keeps those that it can."""
        limits = (
            ("data", resource.RLIMIT_DATA, self.data),
            ("fsize", resource.RLIMIT_FSIZE, self.written),
        )
        words = [f"--{name}={_lowered(of, to)}" for name, of, to in limits if to is not None]
        return [find_tool("prlimit"), *words] if words else []


def _lowered(limit: int, wanted: int) -> int:
    """Return a bound (getrlimit(2)) that does not lift the one that we have."""
    hard = resource.getrlimit(limit)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
