"""`report`: a disc as a page for people."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from democd.errors import InputError

if TYPE_CHECKING:
    from democd.holdings import Holdings
    from democd.host.progress import Reporter
    from democd.report.changes import Changes

HELP = "write a page about a disc: what takes its room, how long it boots, what has changed"
EXAMPLES = """
  ./build.py report dist/xendemo.iso             # writes dist/xendemo.report.html
  ./build.py report dist/xendemo.iso --against old.iso      # each file that differs, as in diff
  ./build.py report /dev/sr0 --output /tmp/disc.html
"""
TOP = Path(__file__).resolve().parents[2]
BOOTS = "boots"
"""In the build folder: how long each machine took to boot, as `smoke` keeps it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc: an ISO, or a drive")
    parser.add_argument(
        "--output", type=Path, metavar="FILE",
        help="the page, one HTML file (default: NAME.report.html beside the ISO)",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, metavar="OLD",
        help="tell what differs from this disc, in layers too (default: from the build before, "
        "as far as NAME.previous.json beside the ISO keeps it)",
    )  # fmt: skip
    parser.add_argument(
        "--build-dir", type=Path, default=TOP / "build", metavar="DIR",
        help="where smoke runs have kept how long boots took (default: build/)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="say nothing but failures")


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    output = _output(args)

    from democd import boots, report
    from democd.cli.build import near
    from democd.host.progress import Reporter
    from democd.host.whole import write_whole
    from democd.remake.held import hold

    reporter = Reporter(quiet=args.quiet or not sys.stderr.isatty())
    holdings = hold(args.iso, reporter)
    changes = _changes(args, holdings, reporter)
    disc = boots.booted(holdings.about, holdings.snapshot.fingerprint)
    own, others = boots.last_of(boots.kept(args.build_dir / BOOTS), disc)
    write_whole(output, report.render(report.Subject(holdings, own, others, changes)))
    if not args.quiet:
        print(f"{near(output)}: open it in a browser")
    return 0


def _output(args: argparse.Namespace) -> Path:
    """Return where the page goes, which is not where something else lies that somebody wants."""
    given: Path | None = args.output
    if given is None and not (args.iso.is_file() or args.iso.suffix == ".iso"):
        raise InputError(f"{args.iso} is no file to write a page beside", "name one: --output FILE")
    output = given or args.iso.with_name(f"{args.iso.name.removesuffix('.iso')}.report.html")
    if output.exists() and not output.is_file():
        raise InputError(f"--output {output} is no file", "name a file")
    if not output.absolute().parent.is_dir():
        raise InputError(f"--output {output}: there is no folder {output.parent}", "make it first")
    for disc in filter(None, (args.iso, args.against)):
        if disc.exists() and output.exists() and output.samefile(disc):
            raise InputError(f"--output {output} is the disc itself", "name another file")
    return output


def _changes(args: argparse.Namespace, holdings: Holdings, reporter: Reporter) -> Changes | None:
    """Return what differs from a disc of before, if there is one."""
    from democd import previous, remake
    from democd.formats.isoread import open_disc
    from democd.report import changes

    new = holdings.snapshot
    if not args.against:
        old = previous.read(previous.path_beside(args.iso))
        if old is None or old.fingerprint == new.fingerprint:
            return None
        return changes.between(old, new)
    if args.against.is_dir():
        raise InputError(f"--against {args.against} is a folder", "name an ISO or a drive")
    full = remake.compare(args.against, args.iso, reporter)  # it judges them both
    with open_disc(args.against) as disc:
        return changes.between(previous.of_disc(disc), new, full)
