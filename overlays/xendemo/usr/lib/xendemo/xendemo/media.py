"""The medium that a disc is read from: every file compared with SHA256SUMS, read anew.

The initrd's `checkmedia` (check-disc) judges in the same way; tests compare the two.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from xendemo.files import content

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.gpg"
CHECKED = "/run/democd/checked"
"""Left by the initrd, or by us, for a disc that is whole: the checksum of its sums."""
IN_MEMORY = "/run/democd/ram/"  # where the initrd puts the disc with `toram`
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
PIECE = 1 << 20  # bytes that are read at once
SECTOR = 2048  # of ISO 9660
MOST = 8  # unreadable sectors of a file that are waited for: a drive tries each for seconds

PARTS = (
    ("live/base.squashfs", "the system"),
    ("live/sources.squashfs", "sources"),
    ("live/", "files laid over the system"),
    ("boot/xen.gz", "the hypervisor"),
    ("boot/vmlinuz-xenU", "the kernel of guests"),
    ("boot/initrd-xenU", "what starts guests"),
    ("boot/vmlinuz", "the kernel"),
    ("boot/initrd", "what starts the system"),
    ("boot/grub/", "the boot loader"),
    ("EFI/", "the boot loader"),
    ("guests/", "files of guests"),
    ("install.pyz", "the installer"),
)
"""What begins so is this; all else is text."""


@dataclass(frozen=True)
class Fault:
    """A file that is not as it was made, and how it differs."""

    name: str
    what: str


@dataclass(frozen=True)
class Sums:
    """What SHA256SUMS tells, and what is wrong with it itself.

    Args:
        digest: of the file SHA256SUMS, in hexadecimal.
        files: SHA-256 of each file, by name.
        faults: it is not there, or has lines of another kind.
    """

    digest: str
    files: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


def read_sums(text: bytes) -> Sums:
    """Return what a list of sums tells."""
    files, faults = {}, []
    lines = text.decode("utf-8", "surrogateescape").splitlines()
    for number, line in enumerate(lines, 1):
        if match := LINE.fullmatch(line):
            files[match[2]] = match[1]
        else:
            faults.append(Fault(SUMS, f"line {number} is no checksum"))
    if not lines:
        faults.append(Fault(SUMS, "is empty"))
    return Sums(hashlib.sha256(text).hexdigest(), files, tuple(faults))


def part(name: str) -> str:
    """Return what of the disc a file is."""
    return next((words for start, words in PARTS if name.startswith(start)), "text")


def told(fault: Fault) -> str:
    """Return a fault as a person reads it."""
    name = fault.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"{name} ({part(fault.name)}): {fault.what}"


def described(source: str, backing: str) -> str:
    """Return what is read.

    Args:
        source: the device that is mounted.
        backing: the file behind it, if it is a loop device; else "".
    """
    if backing.startswith(IN_MEMORY):
        return "the copy of the disc in memory (toram), not the medium it came from"
    return f"the disc in the file {backing}, on {source}" if backing else f"the disc in {source}"


# --- acts -----------------------------------------------------------------------------------------


def source_of(folder: str) -> str:
    """Return the device that is mounted at a folder, or "" (proc(5), mountinfo)."""
    found = ""
    for line in content("/proc/self/mountinfo").splitlines():
        head, _, tail = line.partition(" - ")
        if head.split(" ")[4] == folder:
            found = tail.split(" ")[1]
    return found


def backing_of(source: str) -> str:
    """Return the file behind a loop device, "" if it is none."""
    name = os.path.basename(os.path.realpath(source)) if source else ""
    return content(f"/sys/block/{name}/loop/backing_file").rstrip("\n") if name else ""


def sums_of(folder: str) -> Sums:
    """Read the sums of the disc at a folder, anew."""
    try:
        with _anew(f"{folder}/{SUMS}") as file:
            return read_sums(_whole(file))
    except OSError as error:
        return Sums("", {}, (Fault(SUMS, f"cannot be read: {error.strerror}"),))


def unlisted(folder: str, sums: Sums) -> list[str]:
    """Return the files on a disc that are not in its sums."""
    found = []
    for above, _, names in os.walk(folder):
        found += [os.path.relpath(f"{above}/{name}", folder) for name in names]
    return sorted(set(found) - {SUMS, SIGNATURE, *sums.files})


def compare(
    folder: str,
    sums: Sums,
    names: Iterable[str],
    at: Callable[[int, int], None] = lambda done, total: None,
) -> list[Fault]:
    """Read files of a disc, from the medium and not from memory, and return what is wrong.

    Args:
        folder: where it is mounted.
        sums: of its files.
        names: the files.
        at: told (bytes done, bytes in all) now and then.
    """
    names = list(names)
    sizes = {name: _size(f"{folder}/{name}") for name in names}
    done, total = 0, sum(sizes.values())
    backing = backing_of(source_of(folder))
    faults = []
    for name in names:
        _forget(backing)
        try:
            with _anew(f"{folder}/{name}") as file:
                what = _judged(file, sums.files[name], lambda count: at(done + count, total))  # noqa: B023
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
        if what:
            faults.append(Fault(name, what))
        done += sizes[name]
        at(done, total)
    return faults


def mark(sums: Sums) -> None:
    """Keep in mind that all of a disc was found whole, until the machine is started again."""
    with suppress(OSError), open(CHECKED, "w", encoding="ascii") as file:
        file.write(f"{sums.digest}\n")


def is_marked(sums: Sums) -> bool:
    """Return whether that very disc was found whole at this boot."""
    return bool(sums.digest) and content(CHECKED).strip() == sums.digest


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _forget(path: str) -> None:
    """Have the kernel forget what it has of a file in memory, if we may open it."""
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


@contextmanager
def _anew(path: str) -> Iterator[int]:
    """Open a file so that it is read from the medium; ISO 9660 knows no O_DIRECT."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        yield file
        # The small machines are those with the least room for what nobody needs again.
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


def _whole(file: int) -> bytes:
    pieces = []
    while piece := os.read(file, PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _judged(file: int, wanted: str, at: Callable[[int], None]) -> str:
    """Return what is wrong with a file, or ""."""
    digest = hashlib.sha256()
    lost: list[int] = []
    offset, size = 0, os.fstat(file).st_size
    while len(lost) < MOST:
        try:
            piece = os.pread(file, PIECE, offset)
        except OSError:
            if offset >= size:  # not even its end can be found
                lost.append(offset)
                break
            end = min(offset + PIECE, size)
            lost += _by_sectors(file, range(offset, end, SECTOR), MOST - len(lost), digest.update)
            offset = end
            continue
        digest.update(piece)
        offset += len(piece)
        at(offset)
        if not piece:
            break
    if lost:
        more = ", and the rest was not tried" if len(lost) >= MOST and offset < size else ""
        return f"{len(lost) * SECTOR} bytes cannot be read, the first of them byte {lost[0]}{more}"
    return "" if digest.hexdigest() == wanted else "is not as it was made: its checksum is another"


def _by_sectors(
    file: int, sectors: Iterable[int], most: int, take: Callable[[bytes], object]
) -> list[int]:
    """Read sector by sector, and return where those begin that cannot be read, at most so many."""
    lost: list[int] = []
    for offset in sectors:
        if len(lost) >= most:
            break
        try:
            take(os.pread(file, SECTOR, offset))
        except OSError:
            lost.append(offset)
    return lost
