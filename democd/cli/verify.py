"""`verify`: everything about an ISO, read cold."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "check all of a disc: boot records, partitions, menus, kernels, checksums, size"
EXAMPLES = """
  ./build.py verify dist/xendemo.iso
  ./build.py verify dist/xendemo-sources.iso    # of build.py sources
  ./build.py verify dist/xendemo.iso --json | jq .
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def run(args: argparse.Namespace) -> int:
    """Verify it; a disc with faults is exit code 1."""
    from democd import verify
    from democd.host.progress import Reporter

    with Reporter(quiet=not sys.stderr.isatty()).step("verify", args.iso.name) as step:
        verdict = verify.verify(args.iso, step.at)
    if args.json:
        print(json.dumps(verify.as_json(verdict), indent=2))
    else:
        print(verify.report(verdict))
    return 0 if verdict.ok else 1
