"""A disc that is to be compared: an ISO, a drive, where one is mounted, or an unpacked folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from democd import layout
from democd.digests import file_digest, kept_digest
from democd.errors import BuildError
from democd.formats.iso import Volume
from democd.remake import (
    apart,
    changes,
    facts,
    folder,
    mounted,
    original,
    owners,
    packing,
    squashed,
)
from democd.remake.facts import Fact
from democd.remake.folder import Folder, Part
from democd.remake.original import Original
from democd.remake.owners import Owners

MADE_LAST = (layout.MANIFEST, layout.SUMS, layout.BOOT_CATALOG)
"""Files that only tell of the others."""


class Side(Protocol):
    """One of two discs.

    Attributes:
        path: as the person named it.
        about: the manifest.
        volume: the volume descriptor's fields.
        sums: SHA-256 of each file but those of `MADE_LAST`, as the disc tells them.
    """

    path: Path
    about: Mapping[str, Any]
    volume: Volume
    sums: Mapping[str, str]

    def parts(self) -> Sequence[Part]:
        """Return the layers and initrds."""

    def content(self, path: str) -> bytes:
        """Return a file of the disc, compared with its sum; raises BuildError if it is damaged."""

    def image(self, part: Part) -> Path | None:
        """Return a part as it is packed; None if its tree was changed since."""

    def facts(self, part: Part) -> dict[str, Fact]:
        """Return what is in a part."""

    def owners(self) -> Owners:
        """Return the packages of the root's files."""


@dataclass
class Disc:
    """A disc that was opened; its parts are copied to `scratch` as they are asked for."""

    path: Path
    original: Original
    scratch: Path

    def __post_init__(self) -> None:
        """Take from the disc what is compared at once."""
        self.about: Mapping[str, Any] = self.original.about
        self.volume = self.original.volume
        sums = self.original.sums
        self.sums: Mapping[str, str] = {path: sums[path] for path in sums if path not in MADE_LAST}

    def parts(self) -> Sequence[Part]:
        """Return the layers and initrds."""
        return folder.parts(self.about["layers"])

    def content(self, path: str) -> bytes:
        """Return a file of the disc."""
        self.original.compare(path)
        return self.original.disc.content(self.original.files[path])

    def image(self, part: Part) -> Path | None:
        """Return a part as it is packed."""
        target = self.scratch / part.path.rsplit("/", 1)[1]
        if not target.exists():
            _refuse_no_room(self.scratch, self.original.files[part.path].size)
            self.original.copy(part.path, target)
        return target

    def facts(self, part: Part) -> dict[str, Fact]:
        """Return what is in a part."""
        return _packed_facts(part, self.image(part), self.scratch)

    def owners(self) -> Owners:
        """Return the packages of the root's files."""
        base = folder.layer(folder.BASE)
        if base.path not in self.sums or not (image := self.image(base)):
            return Owners()
        return _packed_owners(image, self.scratch)


@dataclass
class Unpacked:
    """A folder that `unpack` made."""

    path: Path
    folder: Folder
    scratch: Path

    def __post_init__(self) -> None:
        """Take from the folder what is compared at once."""
        self.about: Mapping[str, Any] = self.folder.about
        self.volume = self.folder.volume()
        self._packages = changes.packages(self.folder)[1]
        self.sums: Mapping[str, str] = {
            layout.PACKAGES: hashlib.sha256(self._packages).hexdigest(),
            **{path: file_digest(there) for path, there in self.folder.files().items()},
            **{part.path: self._sum(part) for part in self.parts()},
        }

    def parts(self) -> Sequence[Part]:
        """Return the layers and initrds."""
        return self.folder.parts()

    def content(self, path: str) -> bytes:
        """Return a file of the disc that the folder makes."""
        return self._packages if path == layout.PACKAGES else self.folder.files()[path].read_bytes()

    def image(self, part: Part) -> Path | None:
        """Return a part as it is packed; None if its tree was changed since."""
        whole = self.folder.is_packed(part, self.folder.items(part))
        return self.folder.top / part.packed if whole else None

    def facts(self, part: Part) -> dict[str, Fact]:
        """Return what is in a part."""
        items = self.folder.items(part)
        if items is None:
            return _packed_facts(part, self.image(part), self.scratch)
        return facts.of_items(items, self.about["date"], initrd=part.initrd)

    def owners(self) -> Owners:
        """Return the packages of the root's files."""
        base = folder.layer(folder.BASE)
        info = f"{base.tree}/{owners.INFO}"
        if (self.folder.top / base.tree).is_dir():
            plain = folder.is_plain(self.folder.top, info)
            return owners.read(self.folder.top / info) if plain else Owners()
        image = self.folder.top / base.packed
        return _packed_owners(image, self.scratch) if image.is_file() else Owners()

    def _sum(self, part: Part) -> str:
        """Return the sum of a part as it is packed; of a changed tree, what stands for it."""
        if image := self.image(part):
            return kept_digest(image)
        return packing.content_digest(self.folder.items(part) or [], self.about["date"])


def _refuse_no_room(scratch: Path, needed: int) -> None:
    hint = "set TMPDIR to a folder on a larger disk"
    apart.refuse_no_room(scratch, needed, "looking into them", hint)


def _packed_facts(part: Part, image: Path | None, scratch: Path) -> dict[str, Fact]:
    if image is None:
        raise BuildError(f"{part.tree} is gone", "unpack the disc again")
    if part.initrd:
        return facts.of_initrd(apart.initrd_entries(image))
    _refuse_no_room(scratch, sum(item.size for item in squashed.listing(image)))
    return facts.of_layer(image, scratch / "tree")


def _packed_owners(image: Path, scratch: Path) -> Owners:
    target = scratch / "owners"
    squashed.unpack_some(image, target, squashed.listing(image), owners.LISTS)
    return owners.read(target / owners.INFO) if folder.is_plain(target, owners.INFO) else Owners()


@contextmanager
def opened(path: Path, scratch: Path) -> Iterator[Disc | Unpacked]:
    """Open a disc.

    Args:
        path: the ISO, the drive, where one is mounted, or an unpacked folder.
        scratch: a new folder for its parts.

    Raises:
        InputError: it is none of these.
        BuildError: it is damaged.
    """
    scratch.mkdir()
    there = mounted.at(path) if path.is_dir() else None
    if path.is_dir() and not there:
        yield Unpacked(path, folder.read(path), scratch)
        return
    with original.opened(there.device if there else path) as disc:
        yield Disc(path, disc, scratch)
