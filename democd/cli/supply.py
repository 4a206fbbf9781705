"""The options that tell where a disc's Debian packages come from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from democd.supply import Supply

TOP = Path(__file__).resolve().parents[2]
NEXT_TO_THE_RECIPE = Path()
"""What --locked alone stands for."""

_CLASHES = (
    ("refresh", "locked", "a lock says which packages"),
    ("refresh", "offline", "today's packages are the mirror's to tell"),
    ("snapshot", "offline", "a snapshot is asked over the network"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a build."""
    group = parser.add_argument_group("Debian's packages")
    group.add_argument(
        "--refresh", action="store_true",
        help="take the mirror's packages of today, though a list of them is kept",
    )  # fmt: skip
    group.add_argument(
        "--locked", nargs="?", type=Path, const=NEXT_TO_THE_RECIPE, metavar="FILE",
        help="take the very packages of a lock (default: the recipe's name with .lock), which "
        "`./build.py lock` has written",
    )  # fmt: skip
    group.add_argument(
        "--offline", action="store_true",
        help="ask no network: take what is kept and in the cache, or say what is lacking",
    )  # fmt: skip
    add_source_arguments(group)
    add_cache_arguments(group)


def add_source_arguments(group: argparse._ActionsContainer) -> None:
    """Declare the option of where packages are fetched from."""
    group.add_argument(
        "--snapshot", metavar="TIME",
        help="fetch from the archives as they were: 20261126T000000Z, or a date of ISO 8601 (see "
        "root.snapshot)",
    )  # fmt: skip


def add_cache_arguments(group: argparse._ActionsContainer) -> None:
    """Declare the options of the cache of fetched packages."""
    group.add_argument(
        "--cache", type=Path, metavar="DIR",
        help="the cache of fetched packages, which several build folders may share (default: "
        "cache/packages in the build folder)",
    )  # fmt: skip
    group.add_argument(
        "--cache-size", type=size, metavar="SIZE", default=None,
        help="what the cache may have, in bytes or with K, M, G; the longest unused go first "
        "(default: 2G)",
    )  # fmt: skip


def size(text: str) -> int:
    """Return the bytes of a size, as an option has it."""
    from democd.package_cache import bytes_of

    if (found := bytes_of(text)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write one such as 500M or 2G")
    return found


def named(args: argparse.Namespace) -> list[str]:
    """Return which of these options were given."""
    options = ("refresh", "locked", "offline", "snapshot", "cache", "cache_size")
    return [
        f"--{name.replace('_', '-')}"
        for name in options
        if getattr(args, name) not in (None, False)
    ]


def given(args: argparse.Namespace, profile: str = "") -> Supply:
    """Return what the options say.

    Args:
        args: of a verb that has all of them, or those of a recipe and some.
        profile: the recipe, where no option names it.

    Raises:
        Mistakes: some do not go together, or a time is none.
    """
    from democd.archives import as_time
    from democd.errors import Mistakes
    from democd.package_cache import BOUND
    from democd.supply import Supply

    values = vars(args)
    wrong = [
        (f"--{one} and --{other} do not go together", f"{why}: leave one of them out")
        for one, other, why in _CLASHES
        if values.get(one) not in (None, False) and values.get(other) not in (None, False)
    ]
    time = as_time(args.snapshot) if args.snapshot else ""
    if time is None:
        hint = "write one such as 20261126T000000Z, 2026-11-26 or 2026-11-26T12:00"
        wrong.append((f"--snapshot: {args.snapshot!r} is no time", hint))
    if wrong:
        raise Mistakes(wrong)
    return Supply(
        refresh=values.get("refresh", False),
        lock=_lock(args, profile),
        offline=values.get("offline", False),
        snapshot=time or "",
        cache=values.get("cache"),
        bound=BOUND if (size := values.get("cache_size")) is None else size,
    )


def _lock(args: argparse.Namespace, profile: str) -> Path | None:
    locked: Path | None = getattr(args, "locked", None)
    return beside(args, profile) if locked == NEXT_TO_THE_RECIPE else locked


def beside(args: argparse.Namespace, profile: str = "") -> Path:
    """Return the lock that belongs to a recipe: of the same name, with .lock."""
    from democd.lockfile import SUFFIX
    from democd.recipe import profiles

    name: str = getattr(args, "profile", None) or profile
    recipe: Path = TOP / profiles.FOLDER / f"{name}.toml" if name else args.recipe
    return recipe.with_suffix(SUFFIX)
