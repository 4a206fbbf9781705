"""A disc that is mounted, as the running disc is at /cdrom: its files need not be copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from democd import layout
from democd.errors import InputError
from democd.host.run import mounts


@dataclass(frozen=True)
class Mounted:
    """A mounted disc.

    Attributes:
        folder: where.
        device: what is mounted there: the drive, or the loop device of a file.
    """

    folder: Path
    device: Path


def at(folder: Path) -> Mounted | None:
    """Return the disc that is mounted at a folder; None if the folder is no such place.

    Raises:
        InputError: there is the tree of a disc, but no disc.
    """
    if not (folder / layout.MANIFEST[1:]).is_file():
        return None
    here = folder.resolve()
    sources = [
        source for point, kind, source in mounts() if (point, kind) == (str(here), "iso9660")
    ]
    if not sources:
        raise InputError(
            f"{folder} has the files of a disc, but is no disc",
            "name the .iso file, the drive, or where it is mounted",
        )
    return Mounted(here, Path(sources[-1]))
