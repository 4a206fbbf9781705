"""What a value of the recipe must be.

A check takes a value, already of the right type, and the project's folder. It gives back None
when all is well, else (what is wrong, what to write instead).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from democd import git_address

Complaint = tuple[str, str]
Check = Callable[[Any, Path], Complaint | None]

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
LEAST_DOM0_MEMORY = "128M"


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word most like a given one, or ""."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.5)
    return lowered[close[0]] if close else ""


def choice(word: str, known: Sequence[str]) -> str:
    """Return the advice for a word that is none of the known ones."""
    close = nearest(word, known)
    listed = ", ".join(known)
    return f"did you mean {close}? known: {listed}" if close else f"write one of: {listed}"


def anything(value: Any, folder: Path) -> Complaint | None:
    """Accept every value; what there is to check needs other keys."""
    return None


def _matching(pattern: str, what: str, remedy: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: str, folder: Path) -> Complaint | None:
        return None if compiled.fullmatch(value) else (f"{value!r} {what}", remedy)

    return check


file_name = _matching(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}",
    "cannot be a file's name here",
    "write 1-64 letters, digits and . _ + -, a letter or digit first",
)
volume_id = _matching(
    r"[A-Z0-9_]{1,32}",
    "is no volume id",
    "write 1-32 of A-Z, 0-9 and _ (ECMA-119, d-characters)",
)
package_name = _matching(
    r"[a-z0-9][a-z0-9+.-]+",
    "is no name of a Debian package",
    "write lower-case letters, digits and + - . only (Debian Policy, 5.6.1)",
)
password_hash = _matching(
    r"\$(6|y)\$[./A-Za-z0-9$=,]{20,}",
    "is no password hash",
    "write what `openssl passwd -6` or `mkpasswd -m yescrypt` prints",
)
boot_option = _matching(
    r"[^\s'\"\\$`;{}<>|&#\x00-\x1f\x7f-\U0010ffff]+",
    "cannot stand on a kernel's command line in grub.cfg",
    "write one option an item, without blanks, quotes and characters that GRUB's shell reads",
)
mirror = _matching(
    r"|(https?|file|copy)://\S+",
    "is no mirror",
    'write an address such as http://localhost/debian, or "" for the default',
)
snapshot = _matching(
    r"(https?|file|copy)://(?=\S*\{time\})([^\s{}]|\{time\}|\{archive\})+",
    "is no address of snapshots",
    "write one with {time} in it, and {archive} if there are several archives",
)


def words(least: int, most: int) -> Check:
    """Return the check of a line of text that is shown to people."""

    def check(value: str, folder: Path) -> Complaint | None:
        if not least <= len(value) <= most:
            return f"{len(value)} characters", f"write {least} to {most}"
        if not value.isprintable() or set(value) & set("'\"\\$"):
            return (
                f"{value!r} cannot be shown in a menu",
                "write one line without quotes, backslashes and $",
            )
        return None

    return check


def one_of(known: Sequence[str] | Sequence[int]) -> Check:
    """Return the check of a value that is one of a few."""

    def check(value: Any, folder: Path) -> Complaint | None:
        if value in known:
            return None
        listed = [str(item) for item in known]
        if isinstance(value, str):
            return f"{value!r} is not known", choice(value, listed)
        return f"{value} is not possible", f"write one of: {', '.join(listed)}"

    return check


def between(least: int, most: int) -> Check:
    """Return the check of a number with bounds, both included."""

    def check(value: int, folder: Path) -> Complaint | None:
        if least <= value <= most:
            return None
        return f"{value} is out of range", f"write a number from {least} to {most}"

    return check


def memory(value: str, folder: Path) -> Complaint | None:
    """Check a size that Xen reads: digits and a unit."""
    if value.isdecimal():
        return (
            f"{value!r} has no unit: Xen would read KiB",
            f"write {value}M for MiB or {value}G for GiB",
        )
    match = re.fullmatch(r"([0-9]+)([KMGT])", value)
    if not match:
        return f"{value!r} is no size", "write digits and K, M, G or T, such as 512M"
    least = int(LEAST_DOM0_MEMORY[:-1]) * _UNITS[LEAST_DOM0_MEMORY[-1]]
    if int(match[1]) * _UNITS[match[2]] < least:
        return f"{value} is too little for dom0", f"write {LEAST_DOM0_MEMORY} or more"
    return None


def file(value: str, folder: Path) -> Complaint | None:
    """Check a path of a file, relative to the project; "" is none."""
    return None if not value or (folder / value).is_file() else _not_there(value, folder, "file")


def folder(value: str, folder: Path) -> Complaint | None:
    """Check a path of a folder, relative to the project; "" is none."""
    return None if not value or (folder / value).is_dir() else _not_there(value, folder, "folder")


def folder_or_repository(value: str, folder: Path) -> Complaint | None:
    """Check a path of a folder, or the address of a git repository; "" is none."""
    if not value or (folder / value).is_dir():
        return None
    if git_address.is_meant(value):
        return git_address.mistake(value)
    path, mark, _ = value.partition("#")
    if mark and (folder / path).is_dir():
        url = f"file://{(folder / path).resolve()}"
        return (
            f"{path} is a folder, which counts as it lies there",
            f"leave the # out; or, of its commits, write {url}{value[len(path) :]}",
        )
    what, hint = _not_there(value, folder, "folder")
    return what, f"{hint}; or write {git_address.EXAMPLE}"


def _not_there(value: str, folder: Path, kind: str) -> Complaint:
    what = f"is not a {kind}" if (folder / value).exists() else "does not exist"
    where = "" if Path(value).is_absolute() else f" by a path relative to {folder}"
    return f"{value} {what}", f'name a {kind}{where}, or "" for the root\'s own'


def found_in(place: str, kind: str, suffix: str = "", *, folder: bool = False) -> Check:
    """Return the check of a name that must lie in a folder of the project.

    Args:
        place: the folder, relative to the project.
        kind: what a person calls a thing in there.
        suffix: what its file's name ends in.
        folder: it is a folder itself, not a file.
    """

    def check(value: str, project: Path) -> Complaint | None:
        there = sorted(
            path.name.removesuffix(suffix)
            for path in (project / place).glob(f"[!.]*{suffix}")
            if path.is_dir() == folder
        )
        if value in there:
            return None
        wrong = f"there is no {kind} {value!r}: {place}/{value}{suffix}"
        return wrong, choice(value, there) if there else f"{project / place}/ has none"

    return check
