"""What a disc holds, and how many bytes of it each thing takes: what a report tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from democd.previous import Snapshot
from democd.sizes import Sizes

Kind = Literal["package", "own", "loose", "tree", "tables"]


@dataclass(frozen=True)
class Piece:
    """A piece of a layer.

    Attributes:
        name: a package, a tree of sources, or what else it is.
        kind: `package`; `own`: files of an overlay; `loose`: files that no one package has;
            `tree`: a tree of sources; `tables`: what the image has beside its files.
        size: bytes, packed.
    """

    name: str
    kind: Kind
    size: int


@dataclass(frozen=True)
class Deb:
    """A Debian package of the root, as packages.txt and the bill of materials tell of it.

    Attributes:
        licence: an SPDX expression; "" if it is not known.
        source: the package that it was built from, with its version.
    """

    name: str
    version: str
    licence: str = ""
    source: str = ""


@dataclass(frozen=True)
class Holdings:
    """A disc.

    Attributes:
        name: its file's, without the folder.
        sha256: of all its bytes, in hexadecimal.
        about: the manifest.
        snapshot: what of it is compared with the build before.
        sizes: its parts.
        pieces: of each layer, by path; the largest first.
        packages: all that packages.txt names, by name.
    """

    name: str
    sha256: str
    about: Mapping[str, Any]
    snapshot: Snapshot
    sizes: Sizes
    pieces: Mapping[str, tuple[Piece, ...]]
    packages: tuple[Deb, ...]
