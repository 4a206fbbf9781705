"""`ssh`: into a domain by its link-local address."""

from __future__ import annotations

import argparse
import sys

from xendemo import domains, facts, plan
from xendemo import run as programs
from xendemo.errors import InputError

HELP = "log in to a domain as root, or run a command there, by ssh"
EXAMPLES = """
  xendemo ssh guest1
  xendemo ssh guest1 uptime
  xendemo ssh guest1 'dmesg | tail'
"""
# Its host key is new at each boot of a domain, so to remember it would only raise false alarms.
# Nobody else can answer: the link is between two domains of one machine, and each packet's MAC and
# IP addresses are checked against the domain it comes from.
OPTIONS = (
    "-o", "StrictHostKeyChecking=no",
    "-o", "UserKnownHostsFile=/dev/null",
    "-o", "GlobalKnownHostsFile=/dev/null",
    "-o", "LogLevel=ERROR",
)  # fmt: skip
PORT = 22
PATIENCE = 180  # seconds; a domain's whole boot under emulation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="the domain's name or id")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND",
                        help="run this instead of a shell")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Become `ssh`."""
    [domain] = domains.chosen([args.name], False, domains.known())
    if plan.is_micro(settings_of(domain.name)):
        raise InputError(f"{domain.name} is a micro domain: it has no sshd",
                         f"its console: xendemo console {domain.name}")  # fmt: skip
    address = domains.linklocal(domain, facts.vifs())
    wait_for(domain.name, str(address))
    programs.become("ssh", *OPTIONS, f"root@{address}", *args.command)


def wait_for(name: str, address: str) -> None:
    """Wait until a domain that is still starting answers; after a while ssh may tell why not."""
    import socket
    import time

    end = time.monotonic() + PATIENCE
    told = False
    while time.monotonic() < end:
        try:
            socket.create_connection((address, PORT), timeout=10).close()
            return
        except OSError:
            if not told:
                print(f"{name} does not answer yet; waiting (Ctrl-C ends it)", file=sys.stderr)
            told = True
            time.sleep(1)


def settings_of(name: str) -> str:
    """Return the command line in the file that a domain was started from, or ""."""
    try:
        with open(f"{plan.GUESTS}/{name}.cfg", encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    return next((line.partition("=")[2].strip(' "') for line in lines
                 if line.startswith("cmdline")), "")  # fmt: skip
