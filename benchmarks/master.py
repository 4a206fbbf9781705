"""Mastering: all parts being there, the ISO is written; against `cp` of that ISO."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.report import FOLDER, Row, ratio_row
from democd.host.run import run
from democd.stages import master

REPEATS = 11


def measure() -> tuple[list[Row], list[str]]:
    """Write and copy in turns, and return the row and the notes."""
    checkout = Checkout()
    checkout.lay()
    say("the parts of the disc, where they are not kept")
    made = checkout.result()
    target, copy = FOLDER / "mastered.iso", FOLDER / "copied.iso"
    say("mastering and copying, in turns")
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(_timed(target, lambda: master.master(made.plan, target, lambda *_: None)))
        theirs.append(_timed(copy, lambda: run(["cp", made.files.iso, copy])))
    row = ratio_row(
        "Mastering the ISO",
        statistics.median(ours),
        statistics.median(theirs),
        "`cp` of the ISO",
        1.5,
    )
    return [row], [f"mastering and `cp`: medians of {REPEATS} each, in turns, from the page cache"]


def _timed(target: Path, act: Callable[[], object]) -> float:
    """Return the seconds an act took that makes a file; with nothing else left to write to disk."""
    os.sync()
    begun = time.monotonic()
    act()
    seconds = time.monotonic() - begun
    target.unlink()
    return seconds


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["master"])
