"""`unpack`: a disc to a folder of files to edit."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "take a disc apart into files to edit, for `build --from`"
EXAMPLES = """
  ./build.py unpack dist/xendemo.iso /tmp/disc
  ./build.py unpack /dev/sr0 /tmp/disc
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc; a drive will do")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--quiet", action="store_true", help="say nothing but failures")


def run(args: argparse.Namespace) -> int:
    """Unpack it, and say what came of it."""
    from democd import remake
    from democd.host.progress import Reporter

    reporter = Reporter(quiet=args.quiet)
    made = remake.unpack(args.iso, args.folder, reporter)
    reporter.say(f"\n{args.folder}: {made.about['title']} {made.about['version']}, to edit")
    reporter.say(f"what is what:  {args.folder}/README")
    reporter.say(f"a disc again:  ./build.py build --from {args.folder}")
    return 0
