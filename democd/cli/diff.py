"""`diff`: what differs between two discs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "tell what differs between two discs: packages, settings, and each file"
EXAMPLES = """
  ./build.py diff old.iso dist/xendemo.iso
  ./build.py diff dist/xendemo.iso /dev/sr0      # 0: the same, 1: they differ, 2: trouble
  ./build.py diff dist/xendemo.iso /tmp/disc     # what ./build.py unpack has taken apart
  ./build.py diff old.iso dist/xendemo.iso --json | jq .packages
"""
TROUBLE = 2
"""Exit code of any failure: 1 means that the discs differ, as with diff(1)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kinds = "an ISO, a drive, where one is mounted, or a folder that `unpack` made"
    parser.add_argument("one", type=Path, metavar="A", help=f"a disc: {kinds}")
    parser.add_argument("other", type=Path, metavar="B", help="the other")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def run(args: argparse.Namespace) -> int:
    """Compare them; discs that differ are exit code 1."""
    from democd import remake
    from democd.host.progress import Reporter

    reporter = Reporter(quiet=not sys.stderr.isatty())
    found = remake.compare(args.one, args.other, reporter)
    print(json.dumps(found.as_json(), indent=2) if args.json else remake.report(found))
    return 0 if found.same else 1
