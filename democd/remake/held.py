"""What a disc holds: the packages in its layers, and the bytes that each takes there."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from democd import layout, previous, sizes, spdx
from democd.errors import BuildError, InputError
from democd.formats import isoread, squashfs_blocks
from democd.holdings import Deb, Holdings, Kind, Piece
from democd.host.progress import Reporter, Step
from democd.recipe import MEDIA
from democd.remake import side, squashed
from democd.remake.original import DAMAGED, FOREIGN, Original, opened
from democd.remake.owners import Owners

LOOSE = "files of no one package"
OWN = "democd's own"
BROUGHT = "your own"
TABLES = "tables of squashfs"
_CHUNK = 1 << 20


def hold(path: Path, reporter: Reporter) -> Holdings:
    """Return what a disc holds.

    Args:
        path: the ISO, or a drive.
        reporter: shows the steps.

    Raises:
        InputError: it is no disc of ours.
        BuildError: it is damaged, or there is no room for its largest layer.
    """
    with opened(path) as original, tempfile.TemporaryDirectory(prefix="democd-report-") as scratch:
        medium = str(original.about["medium"]["name"])
        if medium not in MEDIA:
            raise InputError(f"the disc was made for {medium!r}, a medium that is not known here")
        try:
            snapshot = previous.of_disc(original.disc)
        except ValueError as error:
            raise InputError(f"{path}: {error}", FOREIGN) from error
        with reporter.step("bytes", "all of the disc") as step:
            digest = _digest(original, step)
        with reporter.step("layers", "what takes the bytes of each") as step:
            pieces = dict(_layers(original, Path(scratch), step))
        lengths = {name: size for name, (size, _) in snapshot.files.items()}
        return Holdings(
            path.name,
            digest,
            original.about,
            snapshot,
            sizes.of_files(lengths, snapshot.size, medium, MEDIA[medium]),
            pieces,
            tuple(_packages(original, snapshot.packages)),
        )


def _digest(original: Original, step: Step) -> str:
    """Return the sum of the volume; a drive may give more behind it."""
    length = original.disc.primary.blocks * isoread.BLOCK
    digest = hashlib.sha256()
    for start in range(0, length, _CHUNK):
        size = min(_CHUNK, length - start)
        try:
            digest.update(original.disc.read(start, size))
        except ValueError as error:
            raise BuildError(f"{original.path} is cut short: {error}", DAMAGED) from error
        step.at(start + size, length)
    return digest.hexdigest()


def _layers(
    original: Original, scratch: Path, step: Step
) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    disc = side.Disc(original.path, original, scratch)
    paths = [path for path in original.files if path.startswith(f"{layout.LAYERS}/")]
    named = {part.path: part for part in disc.parts() if not part.initrd}
    for number, path in enumerate(sorted(paths)):
        step.now(path)
        step.at(number, len(paths))
        if path not in named and path != layout.layer_path(layout.SOURCES):
            continue
        image = scratch / path.rsplit("/", 1)[1]
        if path in named:
            disc.image(named[path])
        else:
            original.copy(path, image)
        squashed.listing(image)  # judges it: what it names is sane, and ends
        owners = disc.owners() if path == layout.layer_path("base") else Owners()
        yield path, tuple(_pieces(path, image, owners))
        image.unlink()


def _pieces(path: str, image: Path, owners: Owners) -> list[Piece]:
    try:
        packed = squashfs_blocks.packed_sizes(image)
    except ValueError as error:
        raise BuildError(f"{path}: {error}", DAMAGED) from error
    taken: Counter[tuple[str, Kind]] = Counter()
    for name, size in packed.items():
        taken[_whose(path, name, owners)] += size
    taken[TABLES, "tables"] = image.stat().st_size - sum(packed.values())
    found = [Piece(name, kind, size) for (name, kind), size in taken.items() if size > 0]
    return sorted(found, key=lambda piece: (-piece.size, piece.name))


def _whose(path: str, name: str, owners: Owners) -> tuple[str, Kind]:
    """Return what a file of a layer belongs to."""
    if path == layout.layer_path("base"):
        package = owners.of(name)
        return (package, "package") if package else (LOOSE, "loose")
    if path == layout.layer_path(layout.SOURCES):
        return name.partition("/")[0], "tree"
    part = sizes.part_of(path)
    return (OWN if part == "overlays" else BROUGHT), "own"


def _packages(original: Original, versions: Mapping[str, str]) -> Iterator[Deb]:
    told = _bill(original)
    for name, version in sorted(versions.items()):
        licence, source = told.get((name, version), ("", ""))
        yield Deb(name, version, licence, source)


def _bill(original: Original) -> dict[tuple[str, str], tuple[str, str]]:
    """Return licence and source of each package, by name and version; none of a bill that is odd.

    A disc of before there was one has none.
    """
    if layout.SBOM not in original.files:
        return {}
    try:
        text = original.disc.content(original.files[layout.SBOM]).decode()
        inventory, _ = spdx.read(text)
        return {
            (str(it["name"]), str(it.get("versionInfo", ""))): (
                _known(str(it.get("licenseDeclared", ""))),
                str(it.get("sourceInfo", "")),
            )
            for it in inventory.packages
            if "sourceInfo" in it
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _known(licence: str) -> str:
    return "" if licence == spdx.NOTHING else licence
