"""The disc of sources: what lies where on it, and the ISO made of that. It does not boot."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from democd import layout, source_layout, source_listing
from democd.artifacts import DiscFile, Missing, Packed, Sign, SourceDisc, Tarball
from democd.digests import kept_digest
from democd.errors import BuildError
from democd.formats import iso
from democd.identity import Identity, volume_of
from democd.origins import Binary
from democd.recipe import MEDIA, Recipe
from democd.source_listing import MEDIUM, Pair

LARGEST = 8
SPARE = 16_000_000
"""Bytes for all that is not a source: lists, folders, manifest; and for what a disk rounds up."""


def refuse_too_big(sizes: Mapping[str, int], trees: Sequence[Tarball]) -> int:
    """Return the bytes that the disc will have, about.

    Args:
        sizes: bytes of Debian's sources, by name.
        trees: what is not Debian's.

    Raises:
        BuildError: they are more than a DVD holds.
    """
    every = {**sizes, **{tree.name: tree.path.stat().st_size for tree in trees}}
    size = sum(every.values()) + SPARE
    if size > MEDIA[MEDIUM]:
        largest = sorted(every.items(), key=lambda item: -item[1])[:LARGEST]
        raise BuildError(
            f"the sources have {_mb(size)}, and a DVD holds {_mb(MEDIA[MEDIUM])}",
            "leave packages out of the disc; the largest sources: "
            + ", ".join(f"{name} {_mb(bytes_)}" for name, bytes_ in largest),
        )
    return size


def refuse_full(needs: Sequence[tuple[Path, int]]) -> None:
    """Check that there is room for what is to be written.

    Args:
        needs: folders, and the bytes that are to go into each.

    Raises:
        BuildError: a disk has less.
    """
    disks: dict[int, tuple[Path, int]] = {}
    for folder, size in needs:
        device = folder.stat().st_dev
        first, so_far = disks.get(device, (folder, 0))
        disks[device] = (first, so_far + size)
    for folder, size in disks.values():
        free = shutil.disk_usage(folder).free
        if size > free:
            raise BuildError(
                f"{folder} has {_mb(free)} left, and {_mb(size)} are needed there",
                "make room, or choose other places with --build-dir and --output-dir",
            )


def plan(
    *,
    recipe: Recipe,
    identity: Identity,
    date: int,
    binaries: Sequence[Binary],
    packed: Sequence[Packed],
    trees: Sequence[Tarball],
    missing: Sequence[Missing],
    sign: Sign | None = None,
) -> SourceDisc:
    """Decide every path on the disc; reads each file once for its digest.

    Args:
        recipe: name, title and volume id of the disc whose sources these are.
        identity: its version and builder.
        date: seconds since 1970 of everything on the disc.
        binaries: the packages on that disc.
        packed: Debian's sources of them.
        trees: what is not Debian's.
        missing: what could not be had.
        sign: signs the sums; None for a disc without a signature.

    Raises:
        BuildError: a kept file is no longer what the signed lists say.
    """
    places = source_listing.folders(packed)
    files: dict[str, Path | bytes] = {}
    for item, place in zip(packed, places.values(), strict=True):
        files |= {f"{place}/{name}": item.folder / name for name in sorted(item.about.files)}
    files |= {f"{source_layout.TREES}/{tree.path.name}": tree.path for tree in trees}
    digests = _digests(files, packed, places)
    title = f"Sources of {recipe.disc.title}"[:60]
    disc = replace(recipe.disc, volume_id=source_listing.volume_id(recipe), title=title)
    volume = volume_of(replace(recipe, disc=disc), identity.version, identity.builder, date)
    listing = source_listing.Listing(
        recipe, identity, date, binaries, packed, places, trees, missing
    )
    files[source_layout.INDEX] = listing.index().encode()
    files[source_layout.BINARIES] = listing.table().encode()
    files[source_layout.README] = listing.readme().encode()
    digests |= {path: _sum(source) for path, source in files.items() if isinstance(source, bytes)}
    listed = [
        {"path": path, "size": _size(source), "sha256": digests[path]}
        for path, source in sorted(files.items())
    ]
    text = json.dumps({**listing.about(), "files": listed}, indent=1, ensure_ascii=False) + "\n"
    files[layout.MANIFEST] = text.encode()
    digests[layout.MANIFEST] = _sum(text.encode())
    sums = "".join(f"{digests[path]}  {path[1:]}\n" for path in sorted(digests))
    files[layout.SUMS] = sums.encode()
    if sign:
        files[layout.SIGNATURE] = sign(sums.encode(), date)
    return SourceDisc(
        volume.volume_id,
        volume.publisher,
        volume.preparer,
        volume.application,
        volume.date,
        tuple(DiscFile(path, source) for path, source in sorted(files.items())),
        len(binaries),
        tuple(packed),
        tuple(trees),
        tuple(missing),
    )


def _digests(
    files: Mapping[str, Path | bytes], packed: Sequence[Packed], places: Mapping[Pair, str]
) -> dict[str, str]:
    """Return the digest of each file, those of Debian's sources held against the signed lists."""
    digests = {path: kept_digest(file) for path, file in files.items() if isinstance(file, Path)}
    for item, place in zip(packed, places.values(), strict=True):
        for name, digest in item.about.sums.items():
            if digests[f"{place}/{name}"] != digest:
                raise BuildError(
                    f"{item.folder / name} is not what the archive's signed list says",
                    "it has changed in the build folder: remove that folder, and run this again",
                )
    return digests


def manifest_text(disc: SourceDisc) -> str:
    """Return the manifest as it stands on the disc."""
    return next(
        file.source.decode()
        for file in disc.files
        if file.path == layout.MANIFEST and isinstance(file.source, bytes)
    )


def master(disc: SourceDisc, target: Path, at: Callable[[int, int], None]) -> None:
    """Write the ISO.

    Raises:
        BuildError: a source changed meanwhile, it is more than a DVD holds, or the disk is full.
    """
    volume = iso.Volume(disc.volume_id, disc.publisher, disc.preparer, disc.application, disc.date)
    contents = {file.path: file.source for file in disc.files}
    blocks = iso.layout(volume, contents, None).blocks
    if blocks * iso.BLOCK > MEDIA[MEDIUM]:
        raise BuildError(
            f"the disc has {_mb(blocks * iso.BLOCK)}, and a DVD holds {_mb(MEDIA[MEDIUM])}",
            "leave packages out of the disc",
        )
    try:
        with target.open("wb+") as stream:
            iso.write(stream, volume, contents, None, at)
    except OSError as error:
        raise BuildError(f"cannot write {target}: {error.strerror}", "see what df says") from error


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _size(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
