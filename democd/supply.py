"""How a build gets its packages: from a mirror or the cache, of today or of a lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from democd import archives
from democd.archives import Place
from democd.errors import BuildError
from democd.package_cache import BOUND, Cache
from democd.recipe import Recipe
from democd.workspace import Workspace


@dataclass(frozen=True)
class Supply:
    """What the person wants of it.

    Attributes:
        refresh: ask the mirror for today's packages, though a list of them is kept.
        lock: the file to build from; None is the kept list, or the mirror's of today.
        offline: ask no network for anything.
        snapshot: the time at which archives are wanted, as snapshots are named; "" is now.
        cache: the folder of the cache; None is one in the build folder.
        bound: bytes that the cache may have.
    """

    refresh: bool = False
    lock: Path | None = None
    offline: bool = False
    snapshot: str = ""
    cache: Path | None = None
    bound: int = BOUND

    def places(self, recipe: Recipe) -> tuple[Place, ...]:
        """Return where to fetch from."""
        of = recipe.root
        return archives.places(of.suite, of.mirror, of.snapshot, self.snapshot)

    def refuse_network(self, lacking: Iterable[str]) -> None:
        """Check that a network may be asked for what is lacking.

        Raises:
            BuildError: it may not; it names all of them.
        """
        if self.offline and (names := list(lacking)):
            raise BuildError(
                f"offline, and {len(names)} of what the disc needs is not kept",
                "\n".join([*names, "build once with a network, in this build folder"]),
            )

    def cache_in(self, workspace: Workspace) -> Cache:
        """Return the cache of packages."""
        return Cache(self.cache or workspace.folder / "cache/packages")
