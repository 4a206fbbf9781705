"""The disc is checked before anything is written: a damaged one installs nothing."""

from __future__ import annotations

from typing import TextIO

from xendemo import media
from xendemo.errors import Failure
from xendemo.install.options import Options
from xendemo.install.progress import Progress
from xendemo.media import Sums

REMEDY = (
    "nothing has been written. Clean the disc, or copy or burn it again; --no-check installs from "
    "it all the same"
)


def is_needed(options: Options, *, marked: bool) -> bool:
    """Return whether the disc is to be checked; `marked`: it was, since the machine started."""
    return options.check and not options.remove and not marked


def words(options: Options, *, marked: bool) -> str:
    """Return what a plan says of it; "" for a removal, which takes nothing from the disc."""
    if options.remove:
        return ""
    if not options.check:
        return "the disc is not checked before (--no-check)"
    if marked:
        return "the disc was checked since this machine started, and was whole"
    return f"the disc is checked before anything is written: every file by its {media.SUMS}"


def check(folder: str, sums: Sums, stream: TextIO) -> None:
    """Read all of the disc.

    Args:
        folder: where it is mounted.
        sums: of its files.
        stream: gets the progress.

    Raises:
        Failure: it is damaged.
    """
    progress = Progress(stream, 1)
    progress.begin("check the disc")
    faults = [*sums.faults, *media.compare(folder, sums, sums.files, progress.at)]
    progress.end()
    if faults:
        listed = "\n".join(media.told(fault) for fault in faults)
        raise Failure("the disc is damaged", f"{listed}\n{REMEDY}")
    media.mark(sums)
