"""A disc of ours, opened and judged: its files may be read, and do no harm when they are laid out.

A foreign disc is refused, a damaged one too, and one that somebody made in order to write outside
of the folder it is unpacked into, or to fill it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd import layout
from democd.errors import BuildError, InputError
from democd.formats import isoread
from democd.formats.iso import Volume
from democd.formats.isoread import Disc, Extent
from democd.remake import folder, shape

LISTS_MAX = 32 << 20
"""Bytes of the manifest, and of SHA256SUMS."""
PATH_MAX = 1024
NAME_MAX = 255

FOREIGN = "only a disc that democd made can be made again; xorriso -osirrox unpacks others"
DAMAGED = "copy it again, and compare its .sha256"

_SUM = re.compile(r"([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Original:
    """A disc that was opened.

    Attributes:
        path: the ISO, or the drive.
        disc: its volume.
        files: place of each file, by path.
        sums: SHA-256 of each but SHA256SUMS and its signature; not yet compared.
        about: the manifest.
        volume: the volume descriptor's fields.
    """

    path: Path
    disc: Disc
    files: Mapping[str, Extent]
    sums: Mapping[str, str]
    about: Mapping[str, Any]
    volume: Volume

    def copy(self, path: str, target: Path, at: Callable[[int], None] = lambda count: None) -> None:
        """Copy a file of the disc, and compare its sum.

        Args:
            path: on the disc.
            target: the new file; its folder is there.
            at: told the bytes of each piece.

        Raises:
            BuildError: it is damaged.
        """
        with target.open("xb") as stream:
            self._read(path, stream.write, at)

    def compare(self, path: str, at: Callable[[int], None] = lambda count: None) -> None:
        """Compare the sum of a file of the disc; arguments and errors as for `copy`."""
        self._read(path, len, at)

    def _read(self, path: str, take: Callable[[bytes], object], at: Callable[[int], None]) -> None:
        digest = hashlib.sha256()
        try:
            for chunk in self.disc.chunks(self.files[path]):
                digest.update(chunk)
                take(chunk)
                at(len(chunk))
        except ValueError as error:
            raise BuildError(f"{self.path}: {path} cannot be read: {error}", DAMAGED) from error
        if digest.hexdigest() != self.sums.get(path, digest.hexdigest()):
            raise BuildError(f"{self.path}: {path} is damaged: its checksum is wrong", DAMAGED)

    def system_area(self) -> bytes:
        """Return what stands before the volume: boot code and partition table of a disk."""
        return self.disc.read(0, isoread.FIRST_DESCRIPTOR * isoread.BLOCK)


@contextmanager
def opened(path: Path) -> Iterator[Original]:
    """Open an ISO or a drive.

    Raises:
        InputError: it cannot be read, or is no disc of ours.
        BuildError: it is damaged.
    """
    try:
        disc = isoread.open_disc(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "name an .iso file") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}", "name an .iso file") from error
    with disc:
        try:
            yield _judged(path, disc)
        except _WrongError as wrong:
            raise BuildError(f"{path}: {wrong}", DAMAGED) from wrong


class _WrongError(Exception):
    """What is damaged, or was made to do harm."""


def _judged(path: Path, disc: Disc) -> Original:
    try:
        files = disc.files()
    except ValueError as error:
        raise _WrongError(str(error)) from error
    if layout.MANIFEST not in files or layout.SUMS not in files:
        raise InputError(f"{path} is not a disc of democd: it has no {layout.MANIFEST}", FOREIGN)
    _refuse_paths(files)
    if sum(extent.size for extent in files.values()) > disc.size:
        raise _WrongError("its files are larger than the disc itself")
    about = _manifest(path, _text(disc, files, layout.MANIFEST))
    sums = _sums(_text(disc, files, layout.SUMS))
    _refuse_strangers(files, sums)
    for path_there in (*map(layout.layer_path, about["layers"]), *folder.NEEDED):
        if path_there not in files:
            raise _WrongError(f"{path_there} is missing")
    primary = disc.primary
    volume = Volume(
        primary.volume_id, primary.publisher, primary.preparer, primary.application, about["date"]
    )
    return Original(path, disc, files, sums, about, volume)


def _refuse_paths(files: Mapping[str, Extent]) -> None:
    """Refuse what would be written elsewhere, or where another file lies."""
    for path in files:
        names = path[1:].split("/")
        whole = path.isprintable() and "\ufffd" not in path and len(path.encode()) <= PATH_MAX
        if not whole or any(name in ("", ".", "..") or "\\" in name for name in names):
            raise _WrongError(f"a file with an impossible name: {path[:80]!r}")
        if any(len(name.encode()) > NAME_MAX for name in names):
            raise _WrongError(f"a name that is too long: {path[:80]!r}")
        for end in range(1, len(names)):
            if (above := "/" + "/".join(names[:end])) in files:
                raise _WrongError(f"{above} is both a file and a folder")


def _text(disc: Disc, files: Mapping[str, Extent], path: str) -> str:
    if files[path].size > LISTS_MAX:
        raise _WrongError(f"{path} is impossibly large")
    try:
        return disc.content(files[path]).decode()
    except ValueError as error:  # UnicodeDecodeError is one
        raise _WrongError(f"{path} cannot be read: {error}") from error


def _manifest(path: Path, text: str) -> dict[str, Any]:
    """Return the manifest, with all that making the disc again needs in the shape it needs."""
    try:
        about = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _WrongError(f"{layout.MANIFEST} is not JSON: {str(error)[:80]}") from error
    if not shape.is_ours(about):
        raise InputError(f"{path}: its {layout.MANIFEST} is of another kind", FOREIGN)
    if wrong := shape.fault(about):
        raise _WrongError(f"{layout.MANIFEST}: {wrong}")
    checked: dict[str, Any] = about
    return checked


def _sums(text: str) -> dict[str, str]:
    sums = {}
    for line in text.splitlines():
        if not (match := _SUM.fullmatch(line)):
            raise _WrongError(f"{layout.SUMS}: not a line of sha256sum: {line[:80]!r}")
        sums[f"/{match[2]}"] = match[1]
    return sums


def _refuse_strangers(files: Mapping[str, Extent], sums: Mapping[str, str]) -> None:
    wanted = set(files) - set(layout.UNLISTED)
    if missing := sorted(set(sums) - wanted):
        raise _WrongError(f"{missing[0]} is missing")
    if more := sorted(wanted - set(sums)):
        raise _WrongError(f"{more[0]} is not in {layout.SUMS}")
