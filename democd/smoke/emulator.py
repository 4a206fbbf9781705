"""What QEMU's emulator does to guests now and then: told apart from what Xen or the disc does.

Seen with QEMU 7.2 (TCG) in 2 of about 100 guests: early in its boot, while it patches itself, Linux
dies of a general protection fault at the IRET of `do_sync_core`. The saved flags have bits that no
processor sets, NT among them, with which IRET faults; so we take it for the emulator's doing.
"""

from __future__ import annotations

from democd.smoke.console import Console

LOST = "RIP: e030:do_sync_core"
"""What the console of a guest says that the emulator has crashed so."""

FOLDER = "/etc/xen/guests"
"""Where a guest's file for xl is, on each of our discs."""

CRASHED = """cd /var/log/xen && for log in $(grep -ls 'shut down, reason code 3 ' xl-*.log); do
log=${log#xl-}; echo ${log%.log}; done"""
"""Prints the names of guests whose last life ended in a crash (SHUTDOWN_crash of Xen's sched.h)."""


def revive(console: Console) -> list[str]:
    """Start guests anew that the emulator has crashed; return their names.

    Args:
        console: of dom0, at a shell that is ready for `run`.
    """
    lines = console.get("xl list").splitlines()[1:]
    names = [line.split()[0] for line in lines if not line.startswith("Domain-0 ")]
    lost = [name for name in names if LOST in console.run(_said_by(name)).text]
    for name in lost:
        console.get(f"xl destroy {name}", 120)
    # One that is not kept when it crashes is gone with its console: xl's own log tells that it did.
    lost += [name for name in console.run(CRASHED).text.split() if name not in names]
    for name in lost:
        console.get(f"xl create {FOLDER}/{name}.cfg", 300)
    return lost


def _said_by(name: str) -> str:
    """Return the command that prints the last of what a guest has said on its console."""
    return f"sleep 4 | timeout 8 xl console {name}"
