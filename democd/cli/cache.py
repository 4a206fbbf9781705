"""`cache`: what is in the cache of fetched packages, and less of it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from democd.cli import supply

if TYPE_CHECKING:
    from democd.package_cache import Cache, Kept

HELP = "tell what is in the cache of fetched packages, or remove of it"
EXAMPLES = """
  ./build.py cache info
  ./build.py cache info --json --cache /var/cache/democd
  ./build.py cache prune                # what is more than the cache may have
  ./build.py cache prune --size 500M    # the longest unused go first
  ./build.py cache prune --all
"""
TOP = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do, and the options."""
    parser.add_argument("action", choices=("info", "prune"), help="tell, or remove")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR",
        help="the cache (default: cache/packages in the build folder)",
    )  # fmt: skip
    parser.add_argument(
        "--build-dir", type=Path, default=TOP / "build", metavar="DIR",
        help="the build folder (default: build/)",
    )  # fmt: skip
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument(
        "--size", type=supply.size, metavar="SIZE",
        help="what it may have, in bytes or with K, M, G (default: 2G)",
    )  # fmt: skip
    how_much.add_argument("--all", action="store_true", help="prune: remove all")
    parser.add_argument("--json", action="store_true", help="tell it as JSON")


def run(args: argparse.Namespace) -> int:
    """Tell, or remove."""
    from democd.errors import BuildError
    from democd.package_cache import BOUND
    from democd.supply import Supply
    from democd.workspace import Workspace

    cache = Supply(cache=args.cache).cache_in(Workspace(args.build_dir))
    bound = 0 if args.all else BOUND if args.size is None else args.size
    removed = None
    if args.action == "prune":
        removed = cache.prune(bound)
        if removed is None:
            raise BuildError(
                f"a build uses the cache {cache.folder}", "nothing was removed; try again later"
            )
    kept = cache.kept()
    told = _facts(cache, kept, BOUND if args.all else bound)
    if removed:
        told["removed"] = {"packages": removed.packages, "bytes": removed.size}
    if args.json:
        print(json.dumps(told, indent=2))
        return 0
    if removed:
        print(f"removed: {removed.packages} packages, {removed.size / 1e6:.1f} MB")
    print(
        f"{cache.folder}: {told['packages']} packages, {told['bytes'] / 1e6:.1f} MB of "
        f"{told['bound'] / 1e6:.0f} MB"
    )
    if kept:
        print(f"last used: {told['oldest']} (the longest unused) to {told['newest']}")
    return 0


def _facts(cache: Cache, kept: list[Kept], bound: int) -> dict[str, Any]:
    times = [datetime.fromtimestamp(item.used, UTC).strftime("%Y-%m-%d %H:%M") for item in kept]
    return {
        "folder": str(cache.folder),
        "packages": len(kept),
        "bytes": sum(item.size for item in kept),
        "bound": bound,
        "oldest": min(times, default=None),
        "newest": max(times, default=None),
    }
