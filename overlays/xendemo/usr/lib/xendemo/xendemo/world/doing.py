"""Carries out the steps: what they write goes into a log, and a line tells how far they are."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TextIO

from xendemo import run
from xendemo.errors import Failure, Interrupted
from xendemo.world.plan import Step

LAST = 10  # lines of a failed step that are told
FIRST = 4  # lines with an error in them that are told before those
TAIL = 4096  # bytes of the log that are looked at for its last line
MANY = 8  # words of a compiler's line, which ends with the file that it compiles
EVERY = 60  # seconds between lines where there is no terminal
WIDTH = 100  # of the line on a terminal


def perform(steps: Sequence[Step], log: str, stream: TextIO) -> None:
    """Do it all.

    Raises:
        Failure: a step failed; with the last lines of the log.
        Interrupted: somebody stopped us.
    """
    os.makedirs(os.path.dirname(log), exist_ok=True)
    # Unbuffered: several programs write there at a time.
    with open(log, "wb", buffering=0) as file:
        for number, step in enumerate(steps, 1):
            file.write(f"\n### {step.words}\n$ {step.command()}\n".encode())
            begun = file.tell()
            ticker = Ticker(f"[{number:2}/{len(steps)}] {step.words}", log, stream)
            try:
                done = run.watch(*step.argv, tick=ticker.tick, into=file)
            except KeyboardInterrupt:
                ticker.end()
                raise Interrupted(
                    "interrupted; the same command goes on from here") from None  # fmt: skip
            ticker.end()
            if done.status:
                raise Failure(f"{step.words} failed with status {done.status}",
                              failed(log, begun))  # fmt: skip


def failed(log: str, begun: int) -> str:
    """Return what of the log tells why the step failed that begun at a byte of it."""
    with open(log, "rb") as file:
        file.seek(begun)
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join([*telling(lines), f"all of it is in {log}"])


def telling(lines: Sequence[str]) -> list[str]:
    """Return the first lines that name an error, and the last ones.

    Where programs run at a time, what failed is often said long before the end.
    """
    errors = [line for line in lines[:-LAST] if "error:" in line.lower()][:FIRST]
    return [*errors, *(["..."] if errors else []), *lines[-LAST:]]


class Ticker:
    """A line that tells of one step: how long it takes, and what was written last."""

    def __init__(self, words: str, log: str, stream: TextIO) -> None:
        self._words, self._log, self._stream = words, log, stream
        self._start = self._told = time.monotonic()
        self._terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        stream.write(words + ("" if self._terminal else "\n"))
        stream.flush()

    def tick(self) -> None:
        """Tell how far it is; called now and then."""
        now = time.monotonic()
        if self._terminal:
            line = f"{self._words}  {_clock(now - self._start)}  {last_line(self._log)}"
            self._stream.write(f"\r\033[K{line[:WIDTH]}")
            self._stream.flush()
        elif now - self._told >= EVERY:
            self._told = now
            self._stream.write(f"        {_clock(now - self._start)}\n")
            self._stream.flush()

    def end(self) -> None:
        """Tell that it is over."""
        if self._terminal:
            took = _clock(time.monotonic() - self._start)
            self._stream.write(f"\r\033[K{self._words}  {took}\n")
            self._stream.flush()


def last_line(path: str) -> str:
    """Return the last line of a file that says something, as a terminal can show it."""
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
        text = file.read().decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    words = lines[-1].split() if lines else []
    if len(words) > MANY:
        words = [words[0], "…", words[-1]]
    return "".join(c for c in " ".join(words) if c.isprintable())


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
