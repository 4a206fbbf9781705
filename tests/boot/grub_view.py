"""What GRUB finds on a disk's first partition, by its own drivers: it replays no journal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from democd.host.run import run


class GrubView:
    """A disk image with an MBR, as GRUB reads it."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk.resolve()

    def read(self, path: str) -> str:
        """Return a file's content."""
        return self._ask("cat", path)

    def sums(self, paths: Iterable[str]) -> list[str]:
        """Return checksums of files."""
        return [self._ask("crc", path).strip() for path in paths]

    def _ask(self, command: str, path: str) -> str:
        return run(["grub-fstest", self._disk, command, f"(loop0,msdos1)/{path}"]).stdout
