"""`sources`: the complete source of a disc, as a disc of its own."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from democd.cli import build, supply

if TYPE_CHECKING:
    from democd.source_disc import Result

HELP = "make a disc with the complete source of all that is on the disc of a recipe"
EXAMPLES = """
  ./build.py sources                        # dist/xendemo-sources.iso, for dist/xendemo.iso
  ./build.py sources --profile smoke
  ./build.py sources --xen ../xen/xen/xen.gz --xen-source ../xen
  ./build.py sources --dom0-kernel bzImage --set sources.trees=../linux
  ./build.py sources --sign ann@localhost
  ./build.py sources --allow-missing        # without what the mirror has not got
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: those of `build` for a recipe, and one more."""
    build.recipe_arguments(parser)
    parser.add_argument(
        "--allow-missing", action="store_true",
        help="make the disc without the sources that cannot be had; it says what it lacks, and "
        "is not enough to hand out with the other disc",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Make the disc, and say what came of it."""
    wanted = build.load(args)
    by = build.signer(args)

    from democd import source_disc
    from democd.host.progress import Reporter
    from democd.workspace import Workspace

    reporter = Reporter(quiet=args.quiet)
    result = source_disc.build(
        wanted,
        workspace=Workspace(args.build_dir, say=reporter.say),
        output=args.output_dir,
        reporter=reporter,
        supply=supply.given(args),
        allow_missing=args.allow_missing,
        sign=by.sign if by else None,
    )
    reporter.say(summary(result))
    if result.disc.missing:
        print(incomplete(result), file=sys.stderr)  # whoever asked for quiet must know this
    return 0


def summary(result: Result) -> str:
    """Return what a person wants to know of a finished disc of sources."""
    from democd.recipe import MEDIA
    from democd.source_listing import MEDIUM

    iso = build.near(result.files.iso)
    disc = result.disc
    size = result.files.iso.stat().st_size / 1e6
    return "\n".join(
        [
            "",
            f"{iso}: {size:.1f} MB of the {MEDIA[MEDIUM] / 1e6:.0f} MB of a DVD, "
            f"version {result.version}",
            f"  {len(disc.packed)} Debian sources of {disc.binaries} packages; and "
            + ", ".join(f"{tree.name} {tree.version}" for tree in disc.trees),
            "",
            f"check it:   ./build.py verify {iso}",
        ]
    )


def incomplete(result: Result) -> str:
    """Return what a disc lacks, a line for each source."""
    missing = result.disc.missing
    lines = [f"  {it.origin.name} {it.origin.version}: {it.why}" for it in missing]
    total = len(missing) + len(result.disc.packed)
    return "\n".join(
        [f"INCOMPLETE: {len(missing)} of {total} sources are not on this disc", *lines]
    )
