"""What differs between two discs, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Value:
    """What is another thing on each disc; "" for what one has not."""

    name: str
    was: str
    now: str


@dataclass(frozen=True)
class Unlike:
    """A file that differs.

    Attributes:
        name: its path.
        how: `added`, `removed` or `changed`.
        what: of a changed one, what of it, a few words for each thing.
        package: that it belongs to; "" if none is known.
    """

    name: str
    how: str
    what: tuple[str, ...] = ()
    package: str = ""


@dataclass(frozen=True)
class UnlikePart:
    """A layer or an initrd that differs.

    Attributes:
        path: on the disc.
        files: what in it differs; nothing if it is only packed in another way.
        packing: how that differs, as far as its head tells.
    """

    path: str
    files: tuple[Unlike, ...]
    packing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """What differs between two discs.

    Attributes:
        names: as the person named them.
        same_bytes: they were compared byte by byte, and are the same.
        volume: fields of the volume descriptor.
        manifest: what the manifest tells; keys of the recipe as `recipe.SECTION.KEY`.
        packages: versions by name.
        files: of the disc itself.
        parts: layers and initrds among them, and what in them differs.
        texts: lines of a unified diff of each text, by path.
        places: what of the bytes differs that is no file's content.
    """

    names: tuple[str, str]
    same_bytes: bool = False
    volume: tuple[Value, ...] = ()
    manifest: tuple[Value, ...] = ()
    packages: tuple[Value, ...] = ()
    files: tuple[Unlike, ...] = ()
    parts: tuple[UnlikePart, ...] = ()
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Return whether nothing differs."""
        return not (self.volume or self.manifest or self.packages or self.files or self.places)

    def every_file(self) -> Iterator[Unlike]:
        """Give the files that differ; those in a part in place of the part, if there are any."""
        whole = {part.path for part in self.parts if part.files}
        yield from (file for file in self.files if file.name not in whole)
        for part in self.parts:
            yield from part.files

    def beside(self) -> list[Unlike]:
        """Return the files that no other version of a package explains."""
        changed = {value.name for value in self.packages}
        return [file for file in self.every_file() if file.package not in changed]

    def as_json(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {"same": self.same, **asdict(self), "beside": len(self.beside())}
