"""Guests on a machine that runs the disc: their consoles, their shells, and what they leave."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from democd.smoke.console import Console, Output
from democd.smoke.emulator import revive
from tests.boot.fleet import Visit

PASSWORD = "xendemo"
MAIN = {1: "10.84.0.1", 2: "10.84.0.2"}
LINK = {1: "169.254.1.1", 2: "169.254.1.2"}
"""What the first and the second guest get."""
MICRO_PROMPT = r"[~/] ?# "

# One connection for each guest, kept open: a handshake takes seconds on an emulated machine.
_SSH = """\
mkdir -p -m 700 /root/.ssh
cat >/root/.ssh/config <<END
Host 169.254.*
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    ControlMaster auto
    ControlPath /root/.ssh/%h
    ControlPersist yes
END
printf '#!/bin/sh\\necho xendemo\\n' >/root/askpass
chmod 700 /root/askpass
"""
KNOWING = "SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force"
"""What goes before a command that asks for the password."""


def prepare_ssh(visit: Visit) -> None:
    """Let the driver's shell in dom0 answer ssh's question for the password."""
    visit.console.run(_SSH)


def wait_for_ssh(visit: Visit, number: int) -> None:
    """Wait until a guest lets root in with the password; it has just been created."""
    _wait_for_guest(
        visit, f"{KNOWING} ssh -o ConnectTimeout=90 root@{LINK[number]} true 2>/dev/null", 480
    )


def wait_for_answer(visit: Visit, address: str) -> None:
    """Wait until a guest answers a ping; it has just been created."""
    _wait_for_guest(visit, f"ping -c 1 -W 2 {address} >/dev/null", 300)


def _wait_for_guest(visit: Visit, sign: str, patience: int) -> None:
    """Wait until a command succeeds; once more if the emulator had crashed a guest."""
    wait = f"timeout {patience} sh -c 'until {sign}; do sleep 2; done'"
    if visit.console.run(wait, patience + 60).status and revive(visit.console):
        visit.console.get(wait, patience + 60)
    else:
        visit.console.get(sign)


def clear(visit: Visit) -> None:
    """End what an earlier check may have left, so that each tells of itself alone."""
    gone = names(visit)
    if gone:
        visit.console.run("xendemo destroy --all", 300)
        wait_until_gone(visit, *gone)


def run_in(visit: Visit, number: int, command: str, timeout: float = 120) -> Output:
    """Run a shell command in a guest; without single quotes in it."""
    return visit.console.run(f"{KNOWING} ssh root@{LINK[number]} '{command}'", timeout)


def get_in(visit: Visit, number: int, command: str, timeout: float = 120) -> str:
    """Run a shell command in a guest that must succeed, and return what it printed."""
    return visit.console.get(f"{KNOWING} ssh root@{LINK[number]} '{command}'", timeout)


@contextmanager
def console_of(visit: Visit, name: str) -> Iterator[Console]:
    """Log in on a guest's console by `xendemo console`, and leave it as a person would."""
    visit.console.press(f"xendemo console {name}\r")
    try:
        visit.console.login("root", PASSWORD, 600)
        yield visit.console
        visit.console.press("exit\r")
        visit.console.expect("login: ", 60)
    finally:
        leave_console(visit)


@contextmanager
def micro_guest(visit: Visit, words: str = "") -> Iterator[Console]:
    """Have a guest of a kernel and a shell, and be at its prompt; `words` are for its creation."""
    visit.console.press(f"xendemo create --micro -c {words}\r")
    try:
        visit.console.expect(MICRO_PROMPT, 600)
        yield visit.console
    finally:
        leave_console(visit)
    visit.console.get("xendemo destroy guest1")


def leave_console(visit: Visit) -> None:
    """Press Ctrl-] and have dom0's shell back."""
    visit.console.press("\x1d")
    time.sleep(2)
    assert visit.console.get("cat /proc/sys/kernel/hostname") == "xendemo"


def names(visit: Visit) -> list[str]:
    """Return the names of all domains but dom0."""
    lines = visit.console.get("xl list").splitlines()[1:]
    return [line.split()[0] for line in lines if not line.startswith("Domain-0 ")]


_TRACES = (
    "ip -o link | cut -d: -f2; ip route; ip neigh show nud permanent; ip neigh show proxy;"
    " nft list ruleset; losetup -a; pgrep -ax xl;"
    " xenstore-ls -f /local/domain; xenstore-ls -f /vm; xenstore-ls -f /libxl;"
    " sysctl -a 2>/dev/null | grep -F forwarding"
)


def traces(visit: Visit) -> list[str]:
    """Return all that a guest could leave behind in dom0, a line each.

    dom0 itself keeps empty folders in xenstore, and counts the memory that it has.
    """
    said = visit.console.run(_TRACES).text
    changing = re.compile(r"/memory/|/backend/(vif|vbd|console)(/0)? = |^/(libxl|vm) = ")
    return [line for line in said.splitlines() if not changing.search(line)]


def wait_until_gone(visit: Visit, *gone: str) -> None:
    """Wait until no such domain is listed, some minutes at most."""
    names_ = "|".join(gone)
    visit.console.get(
        f"timeout 400 sh -c 'while xl list | grep -qE \"^({names_}) \"; do sleep 1; done'", 440
    )
