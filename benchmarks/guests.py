"""Guests: how soon they are there, and what each needs.

The peer boots the same disc with the same kernel in the same machine, but has Debian's own services
in place of the guest role's: only the base layer, no overlay.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.report import FOLDER, Row, ratio_row
from democd.host.qemu import Drive, Machine
from democd.host.running import started
from democd.smoke.console import Console
from democd.smoke.menu import Grub

MEMORY = 1200  # MiB: dom0, a guest, and the quick way through GRUB (boot.py tells of the others)
REPEATS = 3

_STOCK = """sed 's/role=guest/role=stock/; s/default = 96/default = 128/' \
/etc/xen/xendemo.conf >/root/stock.conf"""
_LOGIN = r"login: "
_MICRO = r"[~/] ?# "


def measure() -> tuple[list[Row], list[str]]:
    """Start guests of each kind; return the rows and the notes."""
    checkout = Checkout()
    checkout.lay()
    iso = checkout.result().files.iso
    say("a guest's log-in")
    with dom0(iso, MEMORY, "guests") as console:
        rows = _times(console)
        rows.append(_memory(console))
    return rows, []


@contextmanager
def dom0(iso: Path, memory: int, name: str) -> Iterator[Console]:
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
    told = dict(re.findall(r"(\w+): +(\d+)", facts))
    total, available = (int(told[key]) for key in ("MemTotal", "MemAvailable"))
    _leave(console)
    return (total - available) * 1024 / 1e6
