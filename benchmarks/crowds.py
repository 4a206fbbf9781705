"""Crowds of micro guests in one machine: how time and memory grow with their number."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.guests import dom0
from benchmarks.plot import draw
from benchmarks.report import TOP, Row
from democd.errors import BuildError
from democd.smoke.console import Console
from democd.smoke.emulator import revive

MEMORY = 3000  # MiB
CROWDS = (1, 2, 4, 8, 16, 32)
PATIENCE = 120  # seconds until a guest answers
PLOT = TOP / "docs/guests.png"


@dataclass(frozen=True)
class Crowd:
    """A machine with so many micro guests.

    Attributes:
        count: guests that answer a ping.
        seconds: from the first command to the last answer, all guests so far.
        xen: MiB of Xen's memory that is no longer free.
        dom0: MiB of dom0's memory that are no longer available.
        revived: guests that the emulator had crashed, and that were started once more.
    """

    count: int
    seconds: float
    xen: float
    dom0: float
    revived: int


def measure() -> tuple[list[Row], list[str]]:
    """Start crowds, one on top of the other; draw the plot, and return the figures as a note."""
    checkout = Checkout()
    checkout.lay()
    say(f"crowds of {', '.join(map(str, CROWDS))} micro guests")
    with dom0(checkout.result().files.iso, MEMORY, "crowds") as console:
        crowds = _crowds(console)
    draw(PLOT, [asdict(crowd) for crowd in crowds])
    return [], [_table(crowds)]


_ANSWER = f"timeout {PATIENCE} sh -c 'until ping -c 1 -W 1 169.254.1.%d; do :; done' >/dev/null"
_FREE = "xl info free_memory; awk '/^MemAvailable/ {print $2}' /proc/meminfo"


def _crowds(console: Console) -> list[Crowd]:
    """Add micro guests until there are so many, and so on; each counts once it answers a ping."""
    free, available = _free(console)
    crowds, seconds, there, revived = [], 0.0, 0, 0
    for count in CROWDS:
        say(f"{count} micro guests")
        start = time.monotonic()
        console.get(f"xendemo create --micro --count {count - there}", 3600)
        for number in range(there + 1, count + 1):
            revived += _await(console, number)
        seconds += time.monotonic() - start
        there = count
        now = _free(console)
        crowds.append(Crowd(count, seconds, free - now[0], available - now[1], revived))
    return crowds


def _await(console: Console, number: int) -> int:
    """Wait until a guest answers; return how many the emulator had crashed."""
    answer, revived = _ANSWER % number, 0
    while console.run(answer, PATIENCE + 60).status:
        again = len(revive(console))
        if not again:
            raise BuildError(f"guest{number} does not answer", "see the log of the crowds")
        revived += again
    return revived


def _free(console: Console) -> tuple[float, float]:
    """Return the MiB that Xen has free, and those that dom0 has available."""
    xen, dom0 = console.get(_FREE).split()
    return float(xen), int(dom0) / 1024


def _table(crowds: list[Crowd]) -> str:
    lines = [
        f"{crowd.count}: {crowd.seconds:.0f} s, {crowd.xen:.0f} MiB of Xen's memory, "
        f"{crowd.dom0:.0f} MiB of dom0's"
        for crowd in crowds
    ]
    if crowds[-1].revived:
        lines.append(f"{crowds[-1].revived} that the emulator crashed were started once more")
    return f"micro guests in a machine of {MEMORY} MiB, TCG, one processor: " + "; ".join(lines)
