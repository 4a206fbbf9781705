"""Whether other processes still run."""

from __future__ import annotations

import time
from pathlib import Path


def state(process: int) -> str:
    """Return what the kernel says of it (proc(5): R, S, T, …); Z once it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def is_alive(process: int) -> bool:
    """Tell whether it runs; one that is dead but not asked for yet does not."""
    return state(process) not in "ZX"


def gone_within(process: int, seconds: float = 20) -> bool:
    """Wait for its end; tell whether that came in time."""
    end = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
