"""Progress: a bar on a terminal, plain lines where there is none."""

from __future__ import annotations

import os
import time
from typing import TextIO

WIDTH = 20  # characters of the bar
EVERY = 0.5  # seconds: a serial line of 9600 baud must keep up
LINES = 10  # a plain line for each tenth of a long step
LONG = 64 << 20  # bytes of a step that gets such lines
MB = 1_000_000


class Progress:
    """Tells how far an installation is.

    Args:
        stream: where to.
        total: number of steps.
    """

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._number = 0
        self._words = ""
        self._told = 0.0
        self._tenth = 0
        self._bar = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def begin(self, words: str) -> None:
        """Tell of the next step."""
        self._number += 1
        self._words = words
        self._told = time.monotonic()
        self._tenth = 0
        self._write(self._line(), last=not self._bar)

    def at(self, done: int, total: int) -> None:
        """Tell how many bytes of the step are done."""
        if total <= 0:
            return
        done = min(done, total)
        if self._bar:
            if time.monotonic() - self._told >= EVERY:
                self._told = time.monotonic()
                self._write(f"{self._line()} {bar(done, total)}", last=False)
        elif total >= LONG and done * LINES // total > self._tenth:
            self._tenth = done * LINES // total
            self._write(f"    {amount(done, total)}", last=True)

    def end(self) -> None:
        """Tell that the step is done."""
        if self._bar:
            self._write(self._line(), last=True)

    def note(self, text: str) -> None:
        """Tell something between the steps."""
        self._write(text, last=True)

    def _line(self) -> str:
        width = len(str(self._total))
        return f"[{self._number:{width}}/{self._total}] {self._words}"

    def _write(self, text: str, *, last: bool) -> None:
        start = "\r\033[K" if self._bar else ""
        self._stream.write(f"{start}{text}" + ("\n" if last else ""))
        self._stream.flush()


def bar(done: int, total: int) -> str:
    """Return a bar and an amount."""
    full = done * WIDTH // total
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {amount(done, total)}"


def amount(done: int, total: int) -> str:
    """Return an amount: ` 45 %, 210 of 486 MB`."""
    return f"{done * 100 // total:3} %, {done // MB} of {total // MB} MB"
