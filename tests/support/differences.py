"""Names what differs between two discs that should be the same."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from democd import layout
from democd.formats.isoread import BLOCK, open_disc
from democd.workspace import file_digest
from tests.support.trees import Trees

MOST = 20  # lines


Facts = dict[str, object]
"""What is compared of a file: a word for each thing, and what it is."""


def differences(one: Path, other: Path) -> list[str]:
    """Return what differs between two discs and between their layers, other contents first."""
    found = _unlike(_contents(one), _contents(other))
    if any(path.startswith(layout.LAYERS) for path in found):
        with tempfile.TemporaryDirectory(prefix="xendemo-unlike-") as folder:
            unpacked = []
            for number, iso in enumerate((one, other)):
                (place := Path(folder) / str(number)).mkdir()
                unpacked.append(_unpacked(Trees(iso, place)))
            found |= _unlike(*unpacked)
    ordered = sorted(found.items(), key=lambda item: ("content" not in item[1], item[0]))
    return [f"{path}: {told}" for path, told in ordered[:MOST]]


def _unlike(one: dict[str, Facts], other: dict[str, Facts]) -> dict[str, str]:
    found = {}
    for name in {*one, *other}:
        left, right = one.get(name, {}), other.get(name, {})
        if left != right:
            words = [word for word in {**left, **right} if left.get(word) != right.get(word)]
            found[name] = ", ".join(
                f"{word} {left.get(word)} | {right.get(word)}" for word in words
            )
    return found


def _contents(iso: Path) -> dict[str, Facts]:
    with open_disc(iso) as disc, iso.open("rb") as stream:
        contents: dict[str, Facts] = {}
        for path, extent in disc.files().items():
            stream.seek(extent.lba * BLOCK)
            digest = hashlib.sha256(stream.read(extent.size)).hexdigest()[:12]
            contents[path] = {"block": extent.lba, "content": digest}
        return contents


def _unpacked(trees: Trees) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    for layer, entries in trees.listings.items():
        for name, entry in entries.items():
            path = trees.folder / layer / name
            digest = file_digest(path)[:12] if entry.mode.startswith("-") else ""
            found[f"{layer}: {name}"] = {**vars(entry), "content": digest}
    return found
