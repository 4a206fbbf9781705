"""What an installation does, written down: commands with their times and what they wrote."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from typing import TextIO

FOLDERS = ("/run", "/tmp")
NAME = "xendemo-install.log"


class Log:
    """A log that is written while we work, in memory (/run), and then kept on the target.

    Args:
        path: where; "" for /run, or /tmp where that cannot be written.
    """

    def __init__(self, path: str = "") -> None:
        self.path, self._file = _open(path)

    def say(self, text: str) -> None:
        """Write a line, or several, with the time."""
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        self._file.write("".join(f"{now}  {line}\n" for line in text.splitlines() or [""]))
        self._file.flush()

    def output(self, text: str) -> None:
        """Write down what a program wrote."""
        self._file.write("".join(f"    {line}\n" for line in text.splitlines()))
        self._file.flush()

    def text(self) -> bytes:
        """Return all of it."""
        with open(self.path, "rb") as file:
            return file.read()

    def close(self) -> None:
        """Close it; the file stays."""
        self._file.close()


def _open(path: str) -> tuple[str, TextIO]:
    # Another user may have put a link to anything at a name that is known before, in /tmp.
    for folder in () if path else FOLDERS:
        whole = f"{folder}/{NAME}"
        with contextlib.suppress(OSError):
            if folder == "/tmp":
                number, whole = tempfile.mkstemp(".log", "xendemo-install-", folder)
                return whole, os.fdopen(number, "w", encoding="utf-8", errors="replace")
            return whole, open(whole, "w", encoding="utf-8", errors="replace")
    return path, open(path, "w", encoding="utf-8", errors="replace")
