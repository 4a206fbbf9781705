"""`burn`: a disc onto a stick or a CD."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from democd.burn.job import Plan
    from democd.burn.judge import Mistake
    from democd.host.progress import Reporter
    from democd.verify import Verdict

HELP = "write a disc to a USB stick or burn it to a CD, and read it back"
EXAMPLES = """
  ./build.py burn dist/xendemo.iso /dev/sdb --dry-run   # shows what is there, writes nothing
  ./build.py burn dist/xendemo.iso /dev/sdb
  ./build.py burn dist/xendemo.iso /dev/sr0 --speed 8   # needs xorriso
  ./build.py burn dist/xendemo.iso stdio:copy.img       # a file in a drive's place
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc; a drive will do")
    parser.add_argument(
        "device", metavar="DEVICE", help="a whole stick, an optical drive, or stdio:FILE"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done, and what speaks against it"
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask; needed where there is no terminal"
    )
    parser.add_argument(
        "--fixed", action="store_true", help="DEVICE may be a disk that is built in"
    )
    parser.add_argument(
        "--speed", type=_speed, default=0, metavar="N",
        help="of an optical drive, in multiples of the single speed (default: the drive's choice)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="say nothing but failures")


def run(args: argparse.Namespace) -> int:
    """Write it, after asking, and read it back."""
    from democd import verify
    from democd.burn import job
    from democd.errors import InputError
    from democd.host.progress import Reporter

    reporter = Reporter(quiet=args.quiet)
    with reporter.step("verify", args.iso.name) as step:
        verdict = verify.verify(args.iso, step.at)
    size = job.size_of(args.iso, verdict.volume)
    options = job.Options(args.iso, size, args.device, args.fixed, args.speed)
    plan = job.plan(options, _damages(verdict))
    _show(plan, reporter)
    if args.dry_run:
        reporter.say("nothing was written: --dry-run")
        return 0
    if not args.yes and not _is_meant(plan, args.quiet):
        raise InputError(f"nothing was written: {plan.name} was not confirmed")
    job.carry_out(plan, options, reporter)
    reporter.say(f"\n{plan.name}: done; read back, every byte is right")
    return 0


def _damages(verdict: Verdict) -> list[Mistake]:
    """Return what makes an ISO not worth a medium; whether it fits, the medium itself tells."""
    wrong = [check for check in verdict.checks if not check.ok and check.name != "medium"]
    return [
        (f"{verdict.path} is damaged: {check.name}: {check.detail.partition(chr(10))[0]}",
         f"see ./build.py verify {verdict.path}; then build or copy it again")
        for check in wrong
    ]  # fmt: skip


def _show(plan: Plan, reporter: Reporter) -> None:
    for line in plan.words:
        reporter.say(line)
    reporter.say(f"{plan.name} {plan.done}")


def _is_meant(plan: Plan, quiet: bool) -> bool:
    """Ask for the device's name.

    Raises:
        InputError: there is nobody to ask.
    """
    from democd.errors import InputError

    if not sys.stdin.isatty():
        raise InputError(f"nobody is there to say that {plan.name} is meant", "in scripts: --yes")
    if quiet:
        print(*plan.words, sep="\n", file=sys.stderr)
    print(f"type {plan.name} to go on: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == plan.name


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no speed: 4, 8, 16, …")
    return value
