"""`destroy`: ends domains at once."""

from __future__ import annotations

import argparse
import sys

from xendemo import domains
from xendemo import run as programs
from xendemo.errors import Failure, Interrupted

HELP = "end domains at once, as if their power was cut"
EXAMPLES = """
  xendemo destroy guest1
  xendemo destroy web1 web2
  xendemo destroy --all
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="names or ids of domains")
    parser.add_argument("--all", action="store_true", help="all domains but domain 0")


def run(args: argparse.Namespace) -> int:
    """Destroy each; the others too if one cannot be."""
    wanted = domains.chosen(args.names, args.all, domains.known())
    failed = []
    for domain in wanted:
        done, stopped = programs.finish("xl", "destroy", str(domain.id))
        if done.status:
            failed.append((domain.name, done.last()))
        else:
            print(f"{domain.name}: destroyed", flush=True)
        if stopped:
            raise Interrupted(f"interrupted after {domain.name}")
    if not wanted:
        print("there is no domain but domain 0", file=sys.stderr)
    if failed:
        raise Failure(f"not destroyed: {', '.join(name for name, _ in failed)}", failed[0][1])
    return 0
