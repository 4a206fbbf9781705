"""What a disc of sources tells of itself: its README, its lists and its manifest."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from democd import __version__, source_layout
from democd.artifacts import Missing, Packed, Tarball
from democd.formats import deb822, iso
from democd.identity import Identity
from democd.origins import Binary
from democd.recipe import MEDIA, Recipe

MEDIUM = "dvd"
KIND = "sources"  # in its manifest
FORMAT = 1
README = Path(__file__).resolve().parents[1] / "docs/README.source-disc"

COMPLETE = """\
It is complete. Who hands out that disc can hand out this one with it: that is
how licences such as the GPL want it."""

LACKING = """\
INCOMPLETE: {} OF {} SOURCES ARE MISSING. They are named at the end. As it is,
this disc is not enough to hand out with the other."""

Pair = tuple[str, str]
"""Name and version of a source package."""


def volume_id(recipe: Recipe) -> str:
    """Return the volume id; never that of the disc itself, which the initrd looks for."""
    return f"SRC_{recipe.disc.volume_id}"[: iso.VOLUME_ID_MAX]


def folders(packed: Sequence[Packed]) -> dict[Pair, str]:
    """Return the folder of each source on the disc, in the order of `packed`.

    It is the package's name. Versions of one source share it, for they often share their first
    tarball; unless two files of one name differ, then the version is in the folder's name.
    """
    seen: dict[tuple[str, str], str] = {}
    apart = {
        item.about.name
        for item in packed
        for name, digest in item.about.sums.items()
        if seen.setdefault((item.about.name, name), digest) != digest
    }
    places = {}
    for item in packed:
        name, version = item.about.name, item.about.version
        own = f"_{version.partition(':')[2] or version}" if name in apart else ""
        places[name, version] = f"{source_layout.POOL}/{name}{own}"
    return places


@dataclass(frozen=True)
class Listing:
    """All that is told of a disc of sources.

    Attributes:
        recipe: name, title and volume id of the disc whose sources these are.
        identity: its version and builder.
        date: seconds since 1970.
        binaries: the packages on that disc.
        packed: Debian's sources of them.
        places: the folder of each, in the same order.
        trees: what is not Debian's.
        missing: what could not be had.
    """

    recipe: Recipe
    identity: Identity
    date: int
    binaries: Sequence[Binary]
    packed: Sequence[Packed]
    places: Mapping[Pair, str]
    trees: Sequence[Tarball]
    missing: Sequence[Missing]

    def index(self) -> str:
        """Return apt's index: the archive's own entries, but for the folder."""
        return "".join(
            deb822.text({**item.about.entry, "Directory": place[1:]})
            for item, place in zip(self.packed, self.places.values(), strict=True)
        )

    def table(self) -> str:
        """Return /binaries.txt: a line for each source of each package."""
        lines = ["# PACKAGE VERSION ARCHITECTURE SOURCE VERSION FOLDER WHY"]
        lines += [
            f"{item.name} {item.version} {item.architecture} {name} {version} "
            f"{self.places.get((name, version), '/MISSING')[1:]} {why}"
            for item in self.binaries
            for name, version, why in item.sources
        ]
        return "\n".join(lines) + "\n"

    def readme(self) -> str:
        """Return /README, by its template in docs/."""
        count = len(self.missing)
        heading = f'THE SOURCES OF "{self.recipe.disc.title}" {self.identity.version}'
        lacks = [f"{it.origin.name} {it.origin.version}\n    {it.why}" for it in self.missing]
        return string.Template(README.read_text()).substitute(
            underline="=" * len(heading),
            title=self.recipe.disc.title,
            name=self.recipe.disc.name,
            version=self.identity.version,
            builder=self.identity.builder,
            suite=self.recipe.root.suite,
            binaries=len(self.binaries),
            sources=len(self.packed),
            state=LACKING.format(count, count + len(self.packed)) if count else COMPLETE,
            trees="\n".join(f"    {tree.path.name:<24} {tree.version}" for tree in self.trees),
            missing="\n".join(lacks) or "Nothing.",
        )

    def about(self) -> dict[str, object]:
        """Return the manifest, but for the files."""
        return {
            "format": FORMAT,
            "kind": KIND,
            "volume_id": volume_id(self.recipe),
            "of": {"name": self.recipe.disc.name, "volume_id": self.recipe.disc.volume_id},
            "title": self.recipe.disc.title,
            "version": self.identity.version,
            "builder": self.identity.builder,
            "made_with": f"democd {__version__}",
            "date": self.date,
            "medium": {"name": MEDIUM, "bytes": MEDIA[MEDIUM]},
            "suite": self.recipe.root.suite,
            "complete": not self.missing,
            "binaries": [
                {
                    "name": item.name,
                    "version": item.version,
                    "architecture": item.architecture,
                    "sources": [
                        {"name": name, "version": version, "why": why}
                        for name, version, why in item.sources
                    ],
                }
                for item in self.binaries
            ],
            "sources": [
                {
                    "name": item.about.name,
                    "version": item.about.version,
                    "files": [
                        {"path": f"{place}/{name}", "size": size, "sha256": item.about.sums[name]}
                        for name, size in sorted(item.about.files.items())
                    ],
                }
                for item, place in zip(self.packed, self.places.values(), strict=True)
            ],
            "trees": [
                {
                    "name": tree.name,
                    "version": tree.version,
                    "path": f"{source_layout.TREES}/{tree.path.name}",
                }
                for tree in self.trees
            ],
            "missing": [
                {
                    "name": item.origin.name,
                    "version": item.origin.version,
                    "packages": list(item.origin.packages),
                    "why": item.why,
                }
                for item in self.missing
            ],
        }
