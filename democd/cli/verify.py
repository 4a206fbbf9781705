"""`verify`: everything about an ISO, read cold."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "check all of a disc: boot records, partitions, menus, kernels, checksums, size"
EXAMPLES = """
  ./build.py verify dist/xendemo.iso
  ./build.py verify dist/xendemo.iso --json | jq .
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def run(args: argparse.Namespace) -> int:
    """Verify it; a disc with faults is exit code 1."""
    raise NotImplementedError
