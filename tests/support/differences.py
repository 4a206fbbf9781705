"""Names what differs between two discs that should be the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

from democd import layout
from democd.formats.isoread import BLOCK, open_disc
from democd.workspace import file_digest
from tests.support.trees import Trees

MOST = 20  # names


def differences(one: Path, other: Path) -> list[str]:
    """Return the paths, on the disc and within its layers, at which two discs differ."""
    contents = [_contents(iso) for iso in (one, other)]
    found = _unlike(*contents)
    if any(path.startswith(layout.LAYERS) for path in found):
        with tempfile.TemporaryDirectory(prefix="xendemo-unlike-") as folder:
            unpacked = []
            for number, iso in enumerate((one, other)):
                (place := Path(folder) / str(number)).mkdir()
                unpacked.append(_unpacked(Trees(iso, place)))
            found += _unlike(*unpacked)
    return found[:MOST]


def _unlike(one: dict[str, object], other: dict[str, object]) -> list[str]:
    names = sorted({*one, *other})
    return [
        f"{name}: {one.get(name)} | {other.get(name)}"
        for name in names
        if one.get(name) != other.get(name)
    ]


def _contents(iso: Path) -> dict[str, object]:
    with open_disc(iso) as disc, iso.open("rb") as stream:
        contents: dict[str, object] = {}
        for path, extent in disc.files().items():
            stream.seek(extent.lba * BLOCK)
            contents[path] = (extent.lba, hash(stream.read(extent.size)))
        return contents


def _unpacked(trees: Trees) -> dict[str, object]:
    found: dict[str, object] = {}
    for layer, entries in trees.listings.items():
        for name, entry in entries.items():
            path = trees.folder / layer / name
            plain = entry.mode.startswith("-")
            found[f"{layer}: {name}"] = (entry, file_digest(path) if plain else "")
    return found
