"""Guests: how soon they are there, what each needs, and how both grow with their number.

The peer boots the same disc with the same kernel in the same machine, but has Debian's own services
in place of the guest role's: only the base layer, no overlay.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.plot import draw
from benchmarks.report import FOLDER, TOP, Row, ratio_row
from democd.host.qemu import Drive, Machine
from democd.host.running import started
from democd.smoke.console import Console
from democd.smoke.menu import Grub

MEMORY = 1200  # MiB: dom0, a guest, and the quick way through GRUB (boot.py tells of the others)
CROWD_MEMORY = 3000
CROWDS = (1, 2, 4, 8, 16, 32)
REPEATS = 3
PLOT = TOP / "docs/guests.png"

_STOCK = """sed 's/role=guest/role=stock/; s/default = 96/default = 128/' \
/etc/xen/xendemo.conf >/root/stock.conf"""
_LOGIN = r"login: "
_MICRO = r"[~/] ?# "


@dataclass(frozen=True)
class Crowd:
    """A machine with so many micro guests.

    Attributes:
        count: guests that answer a ping.
        seconds: from the first command to the last answer, all guests so far.
        xen: MiB of Xen's memory that is no longer free.
        dom0: MiB of dom0's memory that are no longer available.
    """

    count: int
    seconds: float
    xen: float
    dom0: float


def measure() -> tuple[list[Row], list[str]]:
    """Start guests of each kind, then crowds; return the rows and the notes, and draw the plot."""
    checkout = Checkout()
    checkout.lay()
    iso = checkout.result().iso
    say("a guest's log-in")
    with _dom0(iso, MEMORY, "guests") as console:
        rows = _times(console)
        rows.append(_memory(console))
    say(f"crowds of {', '.join(map(str, CROWDS))} micro guests")
    with _dom0(iso, CROWD_MEMORY, "crowds") as console:
        crowds = _crowds(console)
    draw(PLOT, [asdict(crowd) for crowd in crowds])
    return rows, [_table(crowds)]


@contextmanager
def _dom0(iso: Path, memory: int, name: str) -> Iterator[Console]:
    """Boot the disc's default entry to a shell in a dom0 that has done all its starting."""
    machine = Machine((Drive(iso),), memory=memory, accel="tcg")
    log = FOLDER / f"{name}.log"
    with started(machine) as running, Console.at(running.serial, log) as console:
        Grub(console).wait_for_menu()
        console.press("\r")
        console.login()
        console.run("systemctl is-system-running --wait", 600)
        console.get(_STOCK)
        yield console


# --- one guest ------------------------------------------------------------------------------------


def _times(console: Console) -> list[Row]:
    """Return how long it takes to the log-in, and to a micro guest's shell."""
    ours = [_until(console, "", _LOGIN) for _ in range(REPEATS)]
    micro = [_until(console, "--micro", _MICRO) for _ in range(REPEATS)]
    stock = [_until(console, "-f /root/stock.conf", _LOGIN) for _ in range(REPEATS)]
    peer, theirs = "Debian's services in the same guest", statistics.median(stock)
    return [
        ratio_row(
            "`xendemo create` to the guest's log-in", statistics.median(ours), theirs, peer, 0.5
        ),
        ratio_row(
            "`xendemo create --micro` to its prompt", statistics.median(micro), theirs, peer, 0.25
        ),
    ]


def _until(console: Console, options: str, said: str) -> float:
    """Create a guest on its console, and return the seconds until it says what is waited for."""
    start = time.monotonic()
    console.press(f"xendemo create -c {options}\r")
    console.expect(said, 600, silence=600)
    seconds = time.monotonic() - start
    _leave(console)
    return seconds


def _leave(console: Console) -> None:
    """Press Ctrl-], and end all guests."""
    time.sleep(1)
    console.press("\x1d")
    time.sleep(1)
    console.get("xendemo destroy --all")


def _memory(console: Console) -> Row:
    """Return what a guest uses once all its services run, against the disc's role without Xen."""
    used = {role: _used(console, role) for role in ("guest", "plain")}
    return Row(
        "Memory that a guest uses, all services up", "MB", used["guest"], used["plain"],
        "the role `plain` in the same guest", "ratio <= 0.8", used["guest"] <= 0.8 * used["plain"],
    )  # fmt: skip


def _used(console: Console, role: str) -> float:
    """Return the MB in use in a guest of 128 MiB with a role of the disc."""
    conf = f"/root/{role}.conf"
    console.get(f"sed 's/role=guest/role={role}/' /etc/xen/xendemo.conf >{conf}")
    console.press(f"xendemo create -c -f {conf} -D mem=128\r")
    console.login()
    console.run("systemctl is-system-running --wait", 600)
    facts = console.get("echo 3 >/proc/sys/vm/drop_caches; cat /proc/meminfo")
    total, available = (
        int(re.search(rf"{key}: +(\d+)", facts)[1]) for key in ("MemTotal", "MemAvailable")
    )  # type: ignore[index]
    _leave(console)
    return (total - available) * 1024 / 1e6


# --- crowds ---------------------------------------------------------------------------------------

_ANSWER = "until ping -c 1 -W 1 169.254.1.{number} >/dev/null; do :; done"
_FREE = "xl info free_memory; awk '/^MemAvailable/ {print $2}' /proc/meminfo"


def _crowds(console: Console) -> list[Crowd]:
    """Add micro guests until there are so many, and so on; each counts once it answers a ping."""
    free, available = _free(console)
    crowds, seconds, there = [], 0.0, 0
    for count in CROWDS:
        say(f"{count} micro guests")
        start = time.monotonic()
        console.get(f"xendemo create --micro --count {count - there}", 3600)
        for number in range(there + 1, count + 1):
            console.get(_ANSWER.format(number=number), 600)
        seconds += time.monotonic() - start
        there = count
        now = _free(console)
        crowds.append(Crowd(count, seconds, free - now[0], available - now[1]))
    return crowds


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
    return f"micro guests in a machine of {CROWD_MEMORY} MiB, TCG, one processor: " + "; ".join(
        lines
    )
