"""What lies in an optical drive, as xorriso tells of it, and what speaks against it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from democd.burn.devices import say_size
from democd.burn.judge import Mistake

BLOCK = 2048
STDIO = "stdio:"
"""What xorriso names a file by that it shall write to as if it were a drive."""

PADDING = 150 * BLOCK
"""Blocks of zeros behind the track: Linux reads ahead, and fails at the end of a CD without."""

FAMILIES = ("CD", "DVD", "BD")

_REWRITABLE = ("CD-RW", "DVD-RW", "DVD+RW", "DVD-RAM", "BD-RE", "overwriteable")
_UNFIT = ("CD-ROM", "DVD-ROM", "BD-ROM")


@dataclass(frozen=True)
class OpticalMedium:
    """A medium in a drive.

    Attributes:
        drive: maker and name of the drive.
        kind: CD-R, DVD+RW, …; "" if there is none, or none that the drive can read.
        status: `blank`, `appendable`, `closed`, or "" if the drive does not tell.
        writable: bytes that can be written to it as it is.
        overall: bytes that can be written once it is blank.
        holds: what is on it: `1 session, 157156 data blocks, 307m data`, or "".
        speeds: of writing, in multiples of the kind's single speed, slowest first.
    """

    drive: str
    kind: str
    status: str
    writable: int
    overall: int
    holds: str = ""
    speeds: tuple[float, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether nothing is on it."""
        return self.status == "blank"

    @property
    def rewritable(self) -> bool:
        """Whether what is on it can be taken off."""
        return any(kind in self.kind for kind in _REWRITABLE)

    @property
    def room(self) -> int:
        """Bytes that there are, once it is blank; 0 if the drive does not tell."""
        return self.writable if self.blank else self.overall

    @property
    def is_file(self) -> bool:
        """Whether it is a file that plays the drive."""
        return self.kind.startswith("stdio")

    @property
    def family(self) -> str:
        """CD, DVD, BD or "", by which speeds are counted."""
        return next((family for family in FAMILIES if self.kind.startswith(family)), "")


def read(text: str) -> OpticalMedium:
    """Return what xorriso's `-toc` and `-list_speeds` have told of a drive and its medium.

    A line that comes twice counts as it was told last.
    """
    told: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            told[name.strip()] = value.strip()
    kind = told.get("Media current", "")
    status = told.get("Media status", "")
    blocks = re.fullmatch(r"(\d+) readable , (\d+) writable , (\d+) overall",
                          told.get("Media blocks", ""))  # fmt: skip
    drive = re.match(r"vendor '(.*)' product '(.*)' revision", told.get("Drive type", ""))
    summary = told.get("Media summary", "").split(",")
    return OpticalMedium(
        drive=" ".join(part.strip() for part in drive.groups()) if drive else "",
        kind="" if "not" in kind.split() else kind,
        status=next((word for word in ("blank", "appendable", "closed") if word in status), ""),
        writable=int(blocks[2]) * BLOCK if blocks else 0,
        overall=int(blocks[3]) * BLOCK if blocks else 0,
        holds=" ".join(",".join(summary[:-1]).split()),
        speeds=_speeds(text),
    )


def _speeds(text: str) -> tuple[float, ...]:
    # Write speed  :   1764k , 10.0xC; L and H are the lowest and the highest of them.
    found = re.findall(r"^Write speed\s*\w?:\s*\d+k\s*,\s*([\d.]+)x", text, re.MULTILINE)
    return tuple(sorted({float(speed) for speed in found}))


def mistakes(medium: OpticalMedium, name: str, size: int, speed: float) -> list[Mistake]:
    """Return all that speaks against burning to a medium.

    Args:
        medium: the one in the drive.
        name: the drive's, as it was given.
        size: bytes to burn.
        speed: as a multiple of the single speed; 0 leaves it to the drive.
    """
    if not medium.kind:
        return [(f"{name} has no medium in it that it can read", "put a blank one in")]
    if medium.kind.startswith(_UNFIT):
        return [(f"the medium in {name} is a {medium.kind}: nothing can be burned to it",
                 "put a blank one in")]  # fmt: skip
    found = []
    what = f"the {medium.kind} in {name}"
    if not medium.blank and not medium.rewritable:
        why = "it can be written once only: put a blank one in"
        found.append((f"{what} is not blank: {medium.holds or medium.status}", why))
    # What is written of a file tells nothing about the room that its file system has.
    known = medium.room if medium.blank or not medium.is_file else 0
    if known and known < size:
        room, wanted = say_size(known), say_size(size)
        found.append((f"{what} is too small: {room}, not {wanted}", "take a larger kind"))
    if speed and medium.speeds and speed > medium.speeds[-1]:
        offered = ", ".join(f"{value:g}" for value in medium.speeds)
        found.append((f"{name} cannot write it at speed {speed:g}", f"it offers {offered}"))
    return found


def command(medium: OpticalMedium, name: str, iso: str, size: int, speed: float) -> list[str]:
    """Return the command that burns an ISO, as one session that is closed.

    Of a CD, session at once: track at once would leave two blocks behind the track that cannot be
    read (xorrecord(1), -tao).
    """
    blocks = -(-size // BLOCK)
    tight = 0 < medium.room < size + PADDING
    return [
        "xorriso", "-as", "cdrecord", "-v", f"dev={name}", "blank=as_needed", f"tsize={blocks}s",
        f"padsize={0 if tight else PADDING // BLOCK}s",
        *([f"speed={speed:g}{medium.family[:1].lower()}"] if speed else []),
        *(["-sao"] if medium.family == "CD" else []),
        iso,
    ]  # fmt: skip


def progress(line: str) -> tuple[int, int] | None:
    """Return (MB written, MB in all) if a line of xorriso's tells of that."""
    match = re.search(r"(\d+) of +(\d+) MB written", line)
    return (int(match[1]), int(match[2])) if match else None


def about(medium: OpticalMedium, name: str) -> list[str]:
    """Return what a person tells a drive and its medium by."""
    lines = [f"{name}: {medium.drive or 'a drive'}"]
    if medium.kind:
        room = f", {say_size(medium.room)}" if medium.room and not medium.is_file else ""
        lines.append(f"  {medium.kind}{room}, {medium.status or 'state unknown'}")
    if medium.kind and not medium.blank and medium.rewritable:
        lines.append(f"  holds {medium.holds or 'something'}: that is erased")
    return lines
