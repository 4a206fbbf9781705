"""Looks into the partition that `--frugal` names, without changing it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator

from xendemo import run as programs
from xendemo.install.devices import Device
from xendemo.install.facts import Disc
from xendemo.install.iso_file import ASIDE, FILE_SYSTEMS, FOLDER, ISO, Found

DESCRIPTOR = 32768  # where ISO 9660 begins (ECMA-119, 6.2.1): its first volume descriptor
VOLUME = slice(40, 72)  # the volume id in it (8.4.7)
PIECE = 1 << 20
# Windows keeps the file system in use while it sleeps: so this file begins then (as ntfs-3g knows).
ASLEEP = (b"hibr", b"HIBR")


@contextlib.contextmanager
def opened(device: Device) -> Iterator[str]:
    """Mount a partition read-only for a while, without even replaying a journal.

    Raises:
        Failure: it cannot be mounted.
    """
    kind = FILE_SYSTEMS[device.fstype][0]
    options = "ro,noload" if kind.startswith("ext") else "ro"
    folder = tempfile.mkdtemp(prefix="xendemo-", dir="/run")
    try:
        programs.check("mount", "-t", kind, "-o", options, device.path, folder)
        try:
            yield folder
        finally:
            programs.check("umount", folder)
    finally:
        os.rmdir(folder)


def look(device: Device, disc: Disc) -> Found:
    """Return what there is on a partition that `iso_file.choose` has nothing against.

    Raises:
        Failure: it cannot be mounted.
    """
    with opened(device) as folder:
        return found_in(folder, device, disc)


def found_in(folder: str, device: Device, disc: Disc) -> Found:
    """Return what there is below the folder that a partition is mounted at."""
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    trouble = _trouble(folder)
    if trouble[0]:
        return Found(device, free, trouble=trouble)
    remains = tuple(path for path in ASIDE if os.path.lexists(f"{folder}{path}"))
    free += sum(os.lstat(f"{folder}{path}").st_size for path in remains)
    file = f"{folder}{ISO}"
    if not os.path.exists(file):
        return Found(device, free, remains=remains)
    return Found(device, free, volume_of(file), _is_same(file, disc), remains)


def _trouble(folder: str) -> tuple[str, str]:
    """Say what forbids to write there."""
    # A link may lead out of the partition, into the system that runs.
    for path, wanted, what in (
        (FOLDER, stat.S_ISDIR, "folder"), (ISO.lstrip("/"), stat.S_ISREG, "file"),
    ):  # fmt: skip
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not wanted(os.lstat(f"{folder}/{path}").st_mode):
                return f"/{path} there is no {what}", "it is left alone; move it away first"
    with (
        contextlib.suppress(FileNotFoundError),
        open(f"{folder}/hiberfil.sys", "rb") as file,
    ):
        if file.read(4) in ASLEEP:
            return ("Windows sleeps there, and must find it as it was",
                    "start Windows and shut it down, without its fast startup")  # fmt: skip
    return "", ""


def volume_of(path: str) -> str:
    """Return the volume id of an ISO file, or words for what is none."""
    with open(path, "rb") as file:
        file.seek(DESCRIPTOR)
        descriptor = file.read(2048)
    if descriptor[1:6] != b"CD001":
        return "no disc at all"
    return descriptor[VOLUME].decode("ascii", "replace").rstrip(" \0") or "a disc without a name"


def _is_same(path: str, disc: Disc) -> bool:
    """Compare a file with the disc, byte for byte."""
    if os.path.getsize(path) != disc.size:
        return False
    with open(path, "rb") as file, open(disc.device, "rb") as volume:
        left = disc.size
        while left:
            piece = volume.read(min(PIECE, left))
            if not piece or file.read(len(piece)) != piece:
                return False
            left -= len(piece)
    return True
