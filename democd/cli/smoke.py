"""`smoke`: a disc booted by script, case by case, and a verdict on each."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from democd.cli import parts, supply
from democd.host.qemu import DEFAULT_MEMORY

if TYPE_CHECKING:
    from democd.recipe import Recipe
    from democd.smoke.run import SmokeOptions
    from democd.smoke.runner import Trip

HELP = "boot a disc by script and say whether Xen, dom0 and guests work"
EXAMPLES = """
  ./build.py smoke --xen xen/xen.gz                       # is this Xen any good? the quick cases
  ./build.py smoke --xen xen/xen.gz --case all --junit smoke.xml --artifacts smoke/
  ./build.py smoke dist/xendemo.iso --case uefi-usb cpupool
  ./build.py smoke --xen xen/xen.gz --dom0-module xtf/tests/example/test-pv64-example
  ./build.py smoke --guest-images xtf/tests/example
  ./build.py smoke --list
"""
TOP = Path(__file__).resolve().parents[2]
PROFILE = "smoke"
BOOTS = "boots"
"""In the build folder: how long each machine took to boot, for `report`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "iso", type=Path, nargs="?", metavar="ISO", help="the disc (default: one made for this)"
    )
    parser.add_argument(
        "--case", action="extend", nargs="+", default=[], metavar="NAME", dest="names",
        help="cases to run; `all` for all (default: the quick ones)",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", dest="listing", help="show the cases")
    parts.add_arguments(parser)
    disc = parser.add_argument_group("the disc made for this")
    disc.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="override a key of its recipe, such as xen.options=[\"loglvl=all\"]",
    )  # fmt: skip
    disc.add_argument(
        "--build-dir", type=Path, default=TOP / "build", metavar="DIR",
        help="where it is built, and kept (default: build/)",
    )  # fmt: skip
    supply.add_arguments(parser)
    tests = parser.add_argument_group("test kernels, in XTF's manner")
    tests.add_argument(
        "--dom0-module", type=Path, nargs="+", default=[], metavar="FILE",
        help="boot each in dom0's place and read its `Test result:`",
    )  # fmt: skip
    tests.add_argument(
        "--guest-images", type=Path, metavar="DIR",
        help="run each that has a .cfg here as a domain",
    )  # fmt: skip
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="write the verdicts as JUnit XML"
    )
    parser.add_argument(
        "--artifacts", type=Path, metavar="DIR",
        help="keep for each machine its serial log with times, its screen, and a script that "
        "starts it by hand",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="machines at a time (default: 1)"
    )
    parser.add_argument(
        "--timeout", type=float, default=1.0, metavar="FACTOR",
        help="on every time that is waited, for slow machines (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=int, default=DEFAULT_MEMORY, metavar="MIB",
        help=f"of each machine (default: {DEFAULT_MEMORY})",
    )  # fmt: skip
    parser.add_argument(
        "--accel", choices=("kvm", "tcg"), default="",
        help="hardware virtualisation or emulation (default: kvm where it works)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="verdicts only, no progress")


def run(args: argparse.Namespace) -> int:
    """Run the cases."""
    from democd.errors import Mistakes
    from democd.smoke.run import listing, mistakes_in, smoke

    if args.listing:
        print(listing())
        return 0
    options = _options(args)
    if wrong := mistakes_in(options) + _disagreements(args):
        raise Mistakes(wrong)
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="democd-smoke-"))
        return smoke(options, _trips(args, options, Path(scratch), stack))


def _options(args: argparse.Namespace) -> SmokeOptions:
    from democd.smoke.run import SmokeOptions

    asked = {"names": tuple(args.names), "boots": args.build_dir / BOOTS}
    names = SmokeOptions.__dataclass_fields__.keys() - asked.keys()
    return SmokeOptions(**asked, **{name: getattr(args, name) for name in names})


def _disagreements(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Return which options do not go together."""
    wrong = []
    own = [item.where for item in parts.given(args)] + ["--set"] * bool(args.overrides)
    own += supply.named(args)
    if args.iso and own:
        hint = "leave the ISO out: one is made with them"
        wrong.append((f"{', '.join(own)} cannot change {args.iso}", hint))
    if args.iso and args.dom0_module:
        hint = "leave the ISO out; --xen FILE names its Xen"
        wrong.append((f"--dom0-module does not boot {args.iso}", hint))
    if args.guest_images and not args.guest_images.is_dir():
        wrong.append((f"--guest-images {args.guest_images}: no such folder", "name a folder"))
    return wrong


def _trips(
    args: argparse.Namespace, options: SmokeOptions, scratch: Path, stack: ExitStack
) -> list[Trip]:
    """Return what is to be booted; discs that are wanted and not there are built.

    They stay as long as the stack lasts, whatever other runs throw away.
    """
    from democd.smoke.disc import look_at
    from democd.smoke.run import chosen, trips_for
    from democd.smoke.xtf import guests_trip, images_in, module_trip

    images = images_in(args.guest_images) if args.guest_images else []
    trips = []
    if args.dom0_module:
        trips += [module_trip(kernel, look_at(iso)) for kernel, iso in _kernel_discs(args, stack)]
    if args.dom0_module and not (images or options.names):
        return trips
    iso = args.iso or _disc(args, stack)
    cases = () if images and not options.names else chosen(options.names)
    if images:
        shared = [case for case in cases if case.machine == "bios-cd"]
        trips.append(guests_trip(look_at(iso), images, shared, scratch))
        cases = tuple(case for case in cases if case not in shared)
    return trips + trips_for(iso, cases)


# --- discs ----------------------------------------------------------------------------------------


def _recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe of a disc for this, with the person's own parts."""
    from democd import recipe

    return recipe.load_profile(TOP, PROFILE, args.overrides, parts.given(args))


def _disc(args: argparse.Namespace, stack: ExitStack) -> Path:
    """Return a disc with the person's own parts, built or brought up to date."""
    from democd import pipeline
    from democd.host.progress import Reporter
    from democd.workspace import Workspace

    wanted = _recipe(args)
    output = _folder(args, [], stack)
    reporter = Reporter(quiet=args.quiet)
    reporter.say(f"{'bringing up to date' if output.is_dir() else 'building'} a disc in {output}")
    made = pipeline.build(
        wanted,
        workspace=Workspace(args.build_dir, wait=True, say=reporter.say),
        output=output,
        reporter=reporter,
        supply=supply.given(args, PROFILE),
    )
    return made.files.iso


def _kernel_discs(args: argparse.Namespace, stack: ExitStack) -> list[tuple[Path, Path]]:
    """Return each test kernel with its disc."""
    from democd import test_kernel
    from democd.errors import Mistakes
    from democd.host.progress import Reporter
    from democd.workspace import Workspace

    if wrong := test_kernel.mistakes_in(args.dom0_module):
        raise Mistakes(wrong)
    reporter = Reporter(quiet=args.quiet)
    made = test_kernel.build(
        _recipe(args),
        args.dom0_module,
        workspace=Workspace(args.build_dir, wait=True, say=reporter.say),
        output=_folder(args, args.dom0_module, stack),
        reporter=reporter,
        supply=supply.given(args, PROFILE),
    )
    return [(disc.kernel, disc.iso) for disc in made]


def _folder(args: argparse.Namespace, kernels: Sequence[Path], stack: ExitStack) -> Path:
    """Return the folder for discs of these parts."""
    from democd.inputs import key_of
    from democd.smoke import shelf

    own = {item.path: Path(item.value) for item in parts.given(args)}
    key = key_of({**own, "set": args.overrides, "kernels": list(kernels)})
    return shelf.take(args.build_dir / "smoke", key, stack)
