"""What a machine said, line by line, with the times."""

from __future__ import annotations

import re
import time
from collections import deque
from pathlib import Path
from typing import IO

LAST_LINES = 25
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][0-9A-Za-z]|[=>78cM])|[\x00\x07\x08\x0e\x0f]")


def plain(text: str) -> str:
    """Return text without a terminal's escape sequences and control characters."""
    return _ESCAPES.sub("", text).replace("\r", "")


class Transcript:
    """All that was said: lines with the second in which each began, without escape sequences."""

    def __init__(self, log: Path | None = None) -> None:
        self.began = time.monotonic()
        self.heard = self.began
        self.size = 0
        self._last: deque[str] = deque(maxlen=400)
        self._line = ""
        self._since = 0.0
        self._log: IO[str] | None = log.open("w", buffering=1) if log else None

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.began

    def write(self, text: str) -> None:
        """Take what the machine said (pexpect calls this)."""
        self.heard = time.monotonic()
        self.size += len(text)
        for part in text.splitlines(keepends=True):
            if not self._line:
                self._since = self.seconds()
            self._line += part
            if part.endswith("\n"):
                self._end_line()

    def flush(self) -> None:
        """Do nothing: lines are written as they end (pexpect calls this)."""

    def _end_line(self) -> None:
        line = plain(self._line).strip("\n")
        self._line = ""
        entry = f"[{self._since:7.1f}] {line}"
        self._last.append(entry)
        if self._log and not self._log.closed:
            self._log.write(entry + "\n")

    def last(self, count: int = LAST_LINES) -> str:
        """Return the last lines with something on them, the unfinished one as well."""
        lines = [*self._last]
        if self._line:
            lines.append(f"[{self._since:7.1f}] " + plain(self._line).strip("\n"))
        spoken = [line for line in lines if line[10:].strip()]
        return "\n".join(line[:300] for line in spoken[-count:])

    def close(self) -> None:
        """Write the unfinished line, and close the file."""
        if self._line:
            self._end_line()
        if self._log:
            self._log.close()
