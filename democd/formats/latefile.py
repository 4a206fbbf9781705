"""A file that is open only while it is read."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

from democd.errors import BuildError


class LateFile(io.RawIOBase):
    """A file of a disc: of these there may be more than a process may have open.

    Attributes:
        path: where on the disc it goes.
        file: where it lies.
        length: in bytes, when this was made.
    """

    def __init__(self, path: str, file: Path) -> None:
        super().__init__()
        self.path, self.file = path, file
        self.length, self.changed = self._state()
        self._at = 0
        self._stream: BinaryIO | None = None

    def _state(self) -> tuple[int, int]:
        status = self.file.stat()
        return status.st_size, status.st_mtime_ns

    # What pycdlib calls, and a raw stream of Python is made of (io.RawIOBase).
    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:  # noqa: D102
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.length}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:  # noqa: D102
        return self._at

    def read(self, size: int = -1, /) -> bytes:  # noqa: D102
        stream = self._stream = self._stream or self.file.open("rb")
        stream.seek(self._at)
        content = stream.read(size)
        self._at += len(content)
        if self._at >= self.length:
            self.close_file()
        return content

    def close_file(self) -> None:
        """Let go of the file until it is read again."""
        if self._stream:
            self._stream.close()
        self._stream = None

    def check(self) -> None:
        """Fail if it has changed since: pycdlib fills what is missing with zeros."""
        length, changed = self._state()
        if (length, changed) != (self.length, self.changed):
            raise BuildError(
                f"the source of {self.path} changed while it was written "
                f"({self.length} bytes, now {length})",
                "let nothing else work in the build folder, and build again",
            )
