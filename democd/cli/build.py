"""`build`: the recipe to an ISO."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from democd import git_address
from democd.cli import parts, supply
from democd.errors import InputError
from democd.recipe import Given

if TYPE_CHECKING:
    from democd.host.gpg import Signer
    from democd.host.progress import Reporter
    from democd.recipe import Recipe
    from democd.stages.master import Result

HELP = "make the disc that the recipe describes"
EXAMPLES = """
  ./build.py
  ./build.py --set disc.media=cd74 --set root.extra=vim-tiny,tmux
  ./build.py build --profile smoke    # a small disc to try Xen itself: profiles/smoke.toml
  ./build.py build --recipe mine.toml --output-dir /tmp/discs
  ./build.py --refresh          # Debian's packages of today, not those of the kept list
  ./build.py --locked           # the very packages of democd.lock: see ./build.py lock --help
  ./build.py --locked --offline --cache /var/cache/democd
  ./build.py --snapshot 2026-11-26
  ./build.py --xen ../xen/xen/xen.gz
  ./build.py --install-tree ../xen/dist/install
  ./build.py --set sources.enabled=true --set sources.packages=xen,grub2,busybox
  ./build.py --xen ../xen/xen/xen.gz --xen-source ../xen
  ./build.py --xen xen.gz --xen-source 'ann@localhost:xen.git#my-branch'
  ./build.py build --from dist/xendemo.iso --overlay mine --set disc.version=1.1
  ./build.py --sign ann@localhost         # your gpg signs the checksums; verify --keyring checks
  ./build.py build --from /tmp/disc       # what ./build.py unpack has taken apart
  ./build.py --dom0-kernel arch/x86/boot/bzImage --dom0-modules /tmp/modules
"""
TOP = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    which = recipe_arguments(parser)
    which.add_argument(
        "--from", type=Path, metavar="DISC", dest="source",
        help="make the disc from another: an ISO, a drive, where one is mounted, or a folder that "
        "`unpack` made",
    )  # fmt: skip
    parser.add_argument(
        "--overlay", action="append", type=Path, default=[], metavar="DIR", dest="overlays",
        help="with --from: files to lay over the root of every role; may be repeated",
    )  # fmt: skip


def which_recipe(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Declare the options of which recipe; return the group of what may be in its place."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--recipe", type=Path, default=TOP / "democd.toml", metavar="FILE",
        help="the recipe; its relative paths start at its folder (default: democd.toml)",
    )  # fmt: skip
    which.add_argument(
        "--profile", metavar="NAME",
        help="a recipe of the project's own, profiles/NAME.toml, such as smoke",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="override a key of the recipe, such as disc.media=dvd; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--build-dir", type=Path, default=TOP / "build", metavar="DIR",
        help="where kept results and scratch files go (default: build/)",
    )  # fmt: skip
    return which


def recipe_arguments(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Declare the options of a build; return the group of what may be in the recipe's place."""
    which = which_recipe(parser)
    parser.add_argument(
        "--output-dir", type=Path, default=TOP / "dist", metavar="DIR",
        help="where the disc goes (default: dist/)",
    )  # fmt: skip
    supply.add_arguments(parser)
    parts.add_arguments(parser)
    parser.add_argument(
        "--xen-source", metavar="DIR|URL[#REF]",
        help="the source of your own Xen for /usr/local/src on the disc: a git work tree or "
        "another folder as it lies there, or a branch, tag or commit of a git repository (https, "
        "http, ssh, git, file); turns on [sources] of the recipe (more: sources.history)",
    )  # fmt: skip
    parser.add_argument(
        "--sign", metavar="KEY",
        help="sign the checksums, on the disc and beside it, by this key of your gpg: key id, "
        "fingerprint or address",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="say nothing but failures")
    return which


def run(args: argparse.Namespace) -> int:
    """Build, and say what came of it."""
    if args.source:
        return _run_from(args)
    if args.overlays:
        raise InputError("--overlay goes with --from", "lay files over a disc: --from ISO")

    wanted = load(args)  # first: mistakes are told at once
    by = signer(args)

    from democd import pipeline
    from democd.host.progress import Reporter
    from democd.workspace import Workspace

    reporter = Reporter(quiet=args.quiet)
    result = pipeline.build(
        wanted,
        workspace=Workspace(args.build_dir, say=reporter.say),
        output=args.output_dir,
        reporter=reporter,
        supply=supply.given(args),
        sign=by.sign if by else None,
    )
    tell(reporter, result, by)
    return 0


def _run_from(args: argparse.Namespace) -> int:
    """Make a disc from a disc."""
    given = [*parts.given(args), *given_source(args)]
    unfit = {item.where for item in given if item.path != "kernels.xen"}
    unfit |= set(supply.named(args))
    if unfit:
        raise InputError(
            f"{', '.join(sorted(unfit))} cannot go with --from",
            "build from packages, without --from",
        )

    from democd import remake
    from democd.host.progress import Reporter
    from democd.workspace import Workspace

    by = signer(args)
    reporter = Reporter(quiet=args.quiet)
    result = remake.build(
        remake.Wanted(args.source, args.overlays, args.overrides, given, by.sign if by else None),
        workspace=Workspace(args.build_dir, say=reporter.say),
        output=args.output_dir,
        reporter=reporter,
    )
    tell(reporter, result, by)
    return 0


def signer(args: argparse.Namespace) -> Signer | None:
    """Return the key of --sign, once it has shown that it can sign; None if none is named."""
    if args.sign is None:
        return None

    from democd.host import gpg

    return gpg.signer(args.sign)


def load(args: argparse.Namespace) -> Recipe:
    """Return the recipe that the options tell of."""
    return load_with(args, [*parts.given(args), *given_source(args)])


def load_with(args: argparse.Namespace, given: list[Given]) -> Recipe:
    """Return the recipe that is named, with what was given by options of their own."""
    from democd import recipe

    if args.profile:
        return recipe.load_profile(TOP, args.profile, args.overrides, given)
    return recipe.load(near(args.recipe), args.overrides, options=given)


def given_source(args: argparse.Namespace) -> list[Given]:
    """Return --xen-source as values for the recipe: who names it wants sources on the disc."""
    if args.xen_source is None:
        return []
    tree = Path.cwd() / args.xen_source
    # The check of the key tells what is wrong with either.
    named = args.xen_source if git_address.is_meant(args.xen_source) else tree
    values = {"xen": str(tree if tree.is_dir() else named), "enabled": True}
    return [Given("sources", key, value, "--xen-source") for key, value in values.items()]


def tell(reporter: Reporter, result: Result, by: Signer | None) -> None:
    """Print what a person wants to know of a finished disc."""
    from democd import sizes

    iso = near(result.files.iso)
    taken = result.plan.sizes
    reporter.say(f"\n{iso}: {sizes.mb(taken.total)}, version {result.version}")
    reporter.shares(sizes.rows(taken))
    if trees := ", ".join(f"{tree.name} {tree.version}" for tree in result.sources.trees):
        reporter.say(f"  sources of   {trees}")
    if by:
        reporter.say(f"  signed by    {by.user}, {by.fingerprint}")
    reporter.say(f"\ntry it:     ./build.py boot {iso}")
    reporter.say(f"USB stick:  sudo ./build.py burn {iso} /dev/sdX    (lsblk tells its name)")


def near(path: Path) -> Path:
    """Return a path as short as it can be typed from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
