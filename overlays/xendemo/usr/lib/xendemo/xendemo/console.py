"""`console`: a domain's console."""

from __future__ import annotations

import argparse

from xendemo import domains
from xendemo import run as programs

HELP = "become a domain's console; Ctrl-] leaves it"
EXAMPLES = """
  xendemo console guest1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="the domain's name or id")


def run(args: argparse.Namespace) -> int:
    """Become `xl console`, which says nothing until the domain does."""
    [domain] = domains.chosen([args.name], False, domains.known())
    print(f"the console of {domain.name}: Enter shows its prompt, Ctrl-] leaves it")
    programs.become("xl", "console", str(domain.id))
