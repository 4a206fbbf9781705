"""Installing on a whole disk; against `cp -a` of the same tree onto the same disk."""

from __future__ import annotations

import re
import shutil
import statistics
from pathlib import Path

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.report import FOLDER, Row, ratio_row
from democd.errors import BuildError
from tests.support import native

REPEATS = 3


def measure() -> tuple[list[Row], list[str]]:
    """Install and copy in turns, and return the row and the notes."""
    checkout = Checkout()
    checkout.lay()
    say("the disc, where it is not kept")
    iso = checkout.result().files.iso
    folder = FOLDER / "install"
    shutil.rmtree(folder, ignore_errors=True)
    native.unpack(iso, folder / "disc")
    say("installing and copying, in turns")
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(_seconds(folder, "install", str(iso), "{}"))
        theirs.append(_seconds(folder, "copy", str(iso)))
    (folder / "disk.img").unlink()
    row = ratio_row(
        "Installing on a whole disk",
        statistics.median(ours),
        statistics.median(theirs),
        "`cp -a` of tree and disc",
        1.3,
    )
    left_out = "" if native.has_fat() else "; without GRUB for UEFI, as this kernel has no FAT"
    return [row], [f"installing and `cp -a`: medians of {REPEATS} each, in turns{left_out}"]


def _seconds(folder: Path, *words: str) -> float:
    done = native.start(folder, *words)
    match = re.search(r"^seconds=([0-9.]+)$", done.stdout, re.MULTILINE)
    if done.returncode or not match:
        raise BuildError(f"cannot {words[0]} natively", (done.stdout + done.stderr)[-2000:])
    return float(match[1])


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["install"])
