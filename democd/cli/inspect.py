"""`inspect`: what a file is, and what it can be on a disc."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "say what a file is: a hypervisor, a kernel, a disc; and what it is fit for"
EXAMPLES = """
  ./build.py inspect /boot/vmlinuz-6.12.0-amd64
  ./build.py inspect dist/xendemo.iso --json
  ./build.py inspect ../xen/dist/install
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", type=Path, metavar="FILE",
        help="a kernel, xen.gz, xen.efi or ISO; or Xen's dist/install",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def run(args: argparse.Namespace) -> int:
    """Inspect it; what is damaged is exit code 1."""
    from democd import inspect_file

    found = inspect_file.inspect(args.file)
    if args.json:
        print(json.dumps(inspect_file.as_json(found), indent=2))
    else:
        print(inspect_file.report(found))
    return 1 if found.trouble else 0
