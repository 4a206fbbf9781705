"""A disc from a disc: taken apart, and made again with one file changed.

Against the same by hand (remake.sh): unsquashfs, mksquashfs with the same settings, xorriso with
the same boot images.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.report import FOLDER, Row, ratio_row
from democd.host.run import run

REPEATS = 3
GOAL = 1.5
PEER = Path(__file__).with_name("remake.sh")
OVER = "etc/motd.d/benchmark"


def measure() -> tuple[list[Row], list[str]]:
    """Do each in turns, and return the rows and the notes."""
    checkout = Checkout()
    checkout.lay()
    say("the disc, where it is not kept")
    result = checkout.result()
    bench = Bench(checkout, result.files.iso, result.plan.date, FOLDER / "remake")
    rows = [
        bench.row(
            "A disc to files to edit", bench.unpack, bench.peer_unpacks, "unsquashfs, cpio", GOAL
        ),
        bench.row(
            "One file more, ISO to ISO", bench.lay_over, bench.peer_lays_over,
            "xorriso, one layer by unsquashfs and mksquashfs", GOAL,
        ),
        bench.row(
            "One file edited in an unpacked layer, to the ISO", bench.edit, bench.peer_edits,
            "mksquashfs of that layer, xorriso", GOAL,
        ),
        bench.row(
            "One file edited in the unpacked root, to the ISO", bench.edit_root,
            bench.peer_edits_root, "mksquashfs of the root, xorriso", GOAL,
        ),
    ]  # fmt: skip
    shutil.rmtree(bench.folder, ignore_errors=True)
    return rows, [f"a disc from a disc: medians of {REPEATS} each, in turns"]


class Bench:
    """Both sides at work on one disc, each in a folder of its own.

    Args:
        checkout: democd.
        iso: the disc.
        date: of it, which no file in it is younger than.
        folder: scratch space.
    """

    def __init__(self, checkout: Checkout, iso: Path, date: int, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)  # a tmpfs may be mounted there
        self.checkout, self.iso, self.date, self.folder = checkout, iso, date, folder
        self.ours, self.theirs = folder / "ours", folder / "theirs"
        self.edits = 0

    def row(
        self,
        what: str,
        ours: Callable[[], None],
        theirs: Callable[[], None],
        peer: str,
        goal: float,
    ) -> Row:
        """Return a row of the medians."""
        say(what)
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(REPEATS):
            self.edits += 1
            for act, took in zip((ours, theirs), seconds, strict=True):
                run(["sync"])
                begun = time.monotonic()
                act()
                took.append(time.monotonic() - begun)
        mine, peers = map(statistics.median, seconds)
        return ratio_row(what, mine, peers, peer, goal)

    def unpack(self) -> None:
        shutil.rmtree(self.ours, ignore_errors=True)
        self._democd("unpack", "--quiet", self.iso, self.ours)

    def peer_unpacks(self) -> None:
        shutil.rmtree(self.theirs, ignore_errors=True)
        self._peer("apart", self.iso, self.theirs)

    def lay_over(self) -> None:
        over = self.folder / "over"
        self._write(over / OVER)
        self._build(self.iso, "--overlay", over)

    def peer_lays_over(self) -> None:
        folder = self.folder / "once"
        shutil.rmtree(folder, ignore_errors=True)
        self._peer("extract", self.iso, folder)
        self._peer("layer", folder, "common")
        self._write(folder / "common" / OVER)
        self._pack(folder, "common")

    def edit(self) -> None:
        self._write(self.ours / "overlays/common" / OVER)
        self._build(self.ours)

    def peer_edits(self) -> None:
        self._write(self.theirs / "common" / OVER)
        self._pack(self.theirs, "common")

    def edit_root(self) -> None:
        self._write(self.ours / "root" / OVER)
        self._build(self.ours)

    def peer_edits_root(self) -> None:
        self._write(self.theirs / "base" / OVER)
        self._pack(self.theirs, "base")

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"edit {self.edits}\n")

    def _democd(self, *words: str | Path) -> None:
        run([sys.executable, self.checkout.folder / "build.py", *words], cwd=self.checkout.folder)

    def _build(self, source: Path, *words: str | Path) -> None:
        output, work = self.folder / "dist", self.folder / "build"
        self._democd("build", "--quiet", "--from", source, *words,
                     "--output-dir", output, "--build-dir", work)  # fmt: skip

    def _pack(self, folder: Path, layer: str) -> None:
        settings = self.checkout.recipe.layers
        self._peer("pack", folder, layer, settings.level, settings.block, self.date)
        self._peer("iso", self.iso, folder, self.folder / "theirs.iso")

    @staticmethod
    def _peer(*words: str | Path | int) -> None:
        run([PEER, *map(str, words)])


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["remake"])
