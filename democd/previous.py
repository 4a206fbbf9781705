"""What is kept of a disc when the next build takes its place, so that a report can compare them.

The file NAME.previous.json lies beside NAME.iso. It is of the last disc of that name with other
bytes: a build that changes nothing leaves it alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd import layout, records, sizes
from democd.formats import isoread
from democd.formats.isoread import Disc, Extent
from democd.identity import fingerprint

FORMAT = 1
FILE_MAX = 32 << 20
"""Bytes of such a file, and of each list of a disc."""


@dataclass(frozen=True)
class Snapshot:
    """A disc, as far as it is compared with the next.

    Attributes:
        fingerprint: as `identity.fingerprint` has it.
        version: its own.
        date: seconds since 1970, UTC.
        facts: what else is told of it: Xen, kernels, suite, medium, each as a text.
        size: bytes of the ISO.
        parts: bytes of each, by name.
        files: bytes and SHA-256 of each, by path; "" for what has no sum.
        packages: versions by name.
    """

    fingerprint: str
    version: str
    date: int
    facts: Mapping[str, str]
    size: int
    parts: Mapping[str, int]
    files: Mapping[str, tuple[int, str]]
    packages: Mapping[str, str]


def path_beside(iso: Path) -> Path:
    """Return where that of an ISO lies."""
    return iso.with_name(f"{iso.name.removesuffix('.iso')}.previous.json")


def of_disc(disc: Disc) -> Snapshot:
    """Return what is kept of a disc.

    Raises:
        ValueError: it is none of ours, or damaged.
    """
    files = disc.files()
    try:
        about = json.loads(_content(disc, files, layout.MANIFEST))
        sums = _content(disc, files, layout.SUMS)
        listed = _content(disc, files, layout.PACKAGES).decode()
        kernels, medium = about["kernels"], about["medium"]["name"]
        facts = {
            "Xen": str(about["xen"]),
            **{f"kernel {name}": str(it) for name, it in sorted(kernels.items())},
            "Debian": str(about["suite"]),
            "medium": str(medium),
        }
        digests = {**_digests(sums.decode()), layout.SUMS: fingerprint(sums)}
        total = disc.primary.blocks * isoread.BLOCK
        lengths = {path: extent.size for path, extent in files.items()}
        return Snapshot(
            fingerprint(sums), str(about["version"]), int(about["date"]), facts, total,
            {part.name: part.size for part in sizes.of_files(lengths, total, "", 1).parts},
            {path: (size, digests.get(path, "")) for path, size in sorted(lengths.items())},
            dict(_package(line) for line in listed.splitlines()),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a disc of democd: {error!r:.200}") from error


def of_replaced(iso: Path, new: str) -> str:
    """Return the text to keep of the disc at a path that a new one takes the place of.

    Args:
        iso: the path; nothing, or what is no disc of ours, may lie there.
        new: the fingerprint of the new disc.

    "" means that what is kept already is to stay: the disc there is the same, or none of ours.
    """
    try:
        with isoread.open_disc(iso) as disc:
            old = of_disc(disc)
    except (OSError, ValueError):
        return ""
    if old.fingerprint == new:
        return ""
    return records.text(FORMAT, old)


def read(path: Path) -> Snapshot | None:
    """Return what a file keeps; None if there is none, or it is no such file."""
    return records.read(path, FORMAT, FILE_MAX, _told)


def _told(disc: Any) -> Snapshot:
    return Snapshot(
        str(disc["fingerprint"]), str(disc["version"]), int(disc["date"]),
        _texts(disc["facts"]), int(disc["size"]),
        {str(name): int(size) for name, size in disc["parts"].items()},
        {str(name): (int(size), str(sha)) for name, (size, sha) in disc["files"].items()},
        _texts(disc["packages"]),
    )  # fmt: skip


def _content(disc: Disc, files: Mapping[str, Extent], path: str) -> bytes:
    if files[path].size > FILE_MAX:
        raise ValueError(f"{path} is impossibly large")
    return disc.content(files[path])


def _digests(sums: str) -> dict[str, str]:
    pairs = (line.partition(" ") for line in sums.splitlines())
    return {f"/{name.lstrip(' *')}": digest for digest, _, name in pairs}


def _package(line: str) -> tuple[str, str]:
    name, _, rest = line.partition(" ")
    return name, rest.partition(" ")[0]


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(it) for key, it in value.items()}
