"""`shutdown`: asks domains to end by themselves."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection

from xendemo import domains
from xendemo import run as programs
from xendemo.errors import Failure

HELP = "ask domains to shut down"
EXAMPLES = """
  xendemo shutdown guest1
  xendemo shutdown --all --wait
"""
PAUSE = 1.0  # seconds between two looks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="names or ids of domains")
    parser.add_argument("--all", action="store_true", help="all domains but domain 0")
    parser.add_argument("--wait", action="store_true", help="return when they are gone")


def run(args: argparse.Namespace) -> int:
    """Ask each, and wait if that is wanted."""
    wanted = domains.chosen(args.names, args.all, domains.known())
    asked, failed = {}, []
    for domain in wanted:
        done = programs.run("xl", "shutdown", str(domain.id))
        if done.status:
            failed.append((domain.name, done.last()))
        else:
            asked[domain.id] = domain.name
            if not args.wait:
                print(f"{domain.name}: asked to shut down", flush=True)
    if args.wait:
        _wait(asked)
    if not wanted:
        print("there is no domain but domain 0", file=sys.stderr)
    if failed:
        names = " ".join(name for name, _ in failed)
        remedy = f"to end them at once: xendemo destroy {names}"
        raise Failure(f"cannot be asked to shut down: {names}", f"{failed[0][1]}\n{remedy}")
    return 0


def _wait(asked: dict[int, str]) -> None:
    while asked:
        there = {domain.id for domain in domains.known()}
        for number in gone(asked, there):
            print(f"{asked.pop(number)}: gone", flush=True)
        if asked:
            time.sleep(PAUSE)


def gone(asked: Collection[int], there: Collection[int]) -> list[int]:
    """Return the ids, of those that were asked, that are no more."""
    return [number for number in asked if number not in there]
