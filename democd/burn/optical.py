"""Drives that burn, through xorriso."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from democd.burn import medium as media
from democd.burn.disk import Interrupted
from democd.errors import BuildError
from democd.host.run import run

# linux/cdrom.h
CDROMEJECT = 0x5309
CDROMCLOSETRAY = 0x5319
CDROM_DRIVE_STATUS = 0x5326
CDS_DISC_OK = 4

LOADING = 60  # seconds that a drive may take to look at a medium
LEFT = "a medium that can be written once only is lost; a rewritable one can be burned again"


def look(name: str) -> media.OpticalMedium:
    """Return what lies in a drive.

    Args:
        name: /dev/sr0, or stdio:FILE.

    Raises:
        BuildError: xorriso is missing, or the drive does not answer.
    """
    # On a drive of its own kind -list_speeds is a complaint, which is none.
    done = run(["xorriso", "-abort_on", "FATAL", "-return_with", "FATAL", "32",
                "-outdev", name, "-toc", "-list_speeds"])  # fmt: skip
    text = f"{done.stdout}\n{done.stderr}"
    if "Cannot acquire drive" in text:
        why = [line for line in text.splitlines() if line.startswith("libburn : ")]
        raise BuildError(f"xorriso cannot use {name} as a drive", "\n".join(why))
    return media.read(text)


def burn(
    medium: media.OpticalMedium, name: str, iso: Path, size: int, speed: float,
    at: Callable[[int, int], None],
) -> None:  # fmt: skip
    """Burn an ISO.

    Raises:
        BuildError: xorriso or the drive failed.
    """

    def follow(line: str) -> None:
        if told := media.progress(line):
            at(*told)

    try:
        run(media.command(medium, name, str(iso), size, speed), on_line=follow)
    except BuildError as error:
        raise BuildError(f"burning to {name} failed", f"{LEFT}\n{error.hint}") from error
    except KeyboardInterrupt as interrupt:
        raise Interrupted(f"interrupted while burning to {name}", LEFT) from interrupt


def readable(name: str, size: int) -> str:
    """Return the path from which what was burned can be read, once the kernel has seen it.

    Many drives do not tell the kernel that their medium is another now, so it keeps the length of
    the blank one. To open and close the tray tells it.

    Raises:
        BuildError: it does not see it; the burning itself may be good.
    """
    path = name.removeprefix(media.STDIO)
    if path != name or _is_there(path, size):
        return path
    _reload(path)
    if not _is_there(path, size):
        raise BuildError(
            f"{name} was burned, but cannot be read back yet",
            f"take the medium out and in again, then: ./build.py verify ISO --against {name}",
        )
    return path


def _is_there(path: str, size: int) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOMEDIUM, errno.EIO, errno.EBUSY):
            return False
        raise
    try:
        return os.lseek(fd, 0, os.SEEK_END) >= size and bool(os.pread(fd, media.BLOCK, 16 << 11))
    except OSError:
        return False
    finally:
        os.close(fd)


def _reload(path: str) -> None:
    """Open and close the tray, and wait until the drive has looked at its medium."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for order in (CDROMEJECT, CDROMCLOSETRAY):
            with suppress(OSError):  # a slim drive's tray must be closed by hand
                fcntl.ioctl(fd, order)
        end = time.monotonic() + LOADING
        while fcntl.ioctl(fd, CDROM_DRIVE_STATUS, 0) != CDS_DISC_OK and time.monotonic() < end:
            time.sleep(1)
    except OSError:
        pass  # whoever reads it tells
    finally:
        os.close(fd)
