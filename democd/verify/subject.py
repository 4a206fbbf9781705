"""The ISO under examination, read once for all checks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from democd.formats.isoread import Disc, Extent
from democd.verify.verdict import FaultError

REBUILD = "the ISO is damaged: build it again, or copy it again and compare its .sha256"
REPORT = "democd made it wrong: please report this with its manifest.json"


@dataclass(frozen=True)
class Subject:
    """An opened ISO.

    Attributes:
        disc: its volume.
        files: place of each file, by path.
        digests: SHA-256 of each file; one that cannot be read is missing.
        path: of the ISO, or of the drive.
        keyring: public keys, not armored; None if signatures are not to be checked.
    """

    disc: Disc
    files: Mapping[str, Extent]
    digests: Mapping[str, str]
    path: Path
    keyring: bytes | None = None

    def content(self, path: str) -> bytes:
        """Return a file's bytes.

        Raises:
            FaultError: it is not on the disc, or lies beyond its end.
        """
        if path not in self.files:
            raise FaultError(f"{path} is missing", "build the ISO again")
        try:
            return self.disc.content(self.files[path])
        except ValueError as error:
            raise FaultError(f"{path} cannot be read: {error}", REBUILD) from error


def examine(
    disc: Disc, iso: Path, at: Callable[[int, int], None], keyring: bytes | None = None
) -> Subject:
    """Read all of a disc; what cannot be read is left to the checks to tell.

    Args:
        disc: the opened ISO.
        iso: its path.
        at: told (bytes read, bytes in all) now and then.
        keyring: as `Subject` has it.
    """
    try:
        files = disc.files()
    except ValueError:
        return Subject(disc, {}, {}, iso, keyring)
    total = sum(extent.size for extent in files.values())
    done = 0
    digests = {}
    for path, extent in sorted(files.items(), key=lambda item: item[1].lba):
        digest = hashlib.sha256()
        try:
            for chunk in disc.chunks(extent):
                digest.update(chunk)
                done += len(chunk)
                at(done, total)
        except (ValueError, OSError):
            continue
        digests[path] = digest.hexdigest()
    return Subject(disc, files, digests, iso, keyring)
