"""`lock`: a recipe's packages, each by version and SHA-256, in a file to build from again."""

from __future__ import annotations

import argparse
from pathlib import Path

from democd.cli import build, supply

HELP = "write which packages a disc is made of, each by its SHA-256, to build from again"
EXAMPLES = """
  ./build.py lock                       # democd.lock, of what the mirror has now; for --locked
  ./build.py lock --profile smoke       # profiles/smoke.lock
  ./build.py lock --snapshot 2026-11-26 --output then.lock
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    build.which_recipe(parser)
    parser.add_argument(
        "--output", type=Path, metavar="FILE",
        help="the lock (default: the recipe's name with .lock, beside it)",
    )  # fmt: skip
    supply.add_source_arguments(parser)
    parser.add_argument("--quiet", action="store_true", help="say nothing but failures")


def run(args: argparse.Namespace) -> int:
    """Write the lock, and say what is in it."""
    wanted = build.load_with(args, [])
    sources = supply.given(args)

    from democd import locking
    from democd.host.progress import Reporter
    from democd.workspace import Workspace

    reporter = Reporter(quiet=args.quiet)
    output = args.output or supply.beside(args)
    lock = locking.write(
        wanted,
        workspace=Workspace(args.build_dir, say=reporter.say),
        output=output,
        reporter=reporter,
        supply=sources,
    )
    reporter.say(
        f"\n{build.near(output)}: {len(lock.packages)} packages, {lock.size / 1e6:.0f} MB; the "
        f"archive's newest index is of {lock.time}"
    )
    return 0
