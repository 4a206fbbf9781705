"""`unpack`: takes the disc apart into files to edit, for `xendemo rebuild`."""

from __future__ import annotations

import argparse
import os

from xendemo import builder
from xendemo import run as programs

HELP = "take this disc apart into files to edit"
EXAMPLES = """
  xendemo unpack /mnt/disc
  xendemo unpack /mnt/disc --from /dev/sr0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", metavar="FOLDER", help="a new folder, on a disk with some GB")
    parser.add_argument(
        "--from", dest="source", metavar="DISC", help="another disc: an .iso file, or a drive"
    )


def run(args: argparse.Namespace) -> int:
    """Unpack it."""
    words = builder.argv("unpack", builder.source(args.source), os.path.abspath(args.folder))
    return programs.in_front(*words)
