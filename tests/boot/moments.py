"""Moments of an installation at which a disk is kept as it is, to be started as if QEMU had ended.

QMP's `stop` and `quit` both wait for the requests that QEMU has taken, and drop what the machine
has not sent yet. So an image copied between `stop` and `cont` is the one that a `quit` would leave,
and one installation gives as many of them as are wanted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from democd.errors import BuildError
from democd.host.run import run
from democd.smoke.console import Output
from democd.smoke.transcript import plain
from tests.boot.installing import LONG, Bench

_OVER = r"<over:\d+>"


@dataclass(frozen=True)
class Moment:
    """When to look.

    Attributes:
        step: the step that has just begun, as its words start; or what is said in it.
        later: seconds after that.
    """

    step: str
    later: float = 0.0

    def pattern(self) -> str:
        """Return what the installer says then; where it only tells its plan, no number stands."""
        return rf"(?:\d\] |    ){re.escape(self.step)}"


def keep(disk: Path, copy: Path) -> None:
    """Copy an image, holes and all."""
    run(["cp", "--reflink=auto", "--sparse=always", disk, copy])


def install(bench: Bench, words: str, moments: Mapping[str, Moment], disk: Path) -> Output:
    """Run `xendemo install`, and keep the disk at each moment, in `copy_at`."""
    said = ""
    _begin(bench, words)
    for name, moment in moments.items():
        said += _wait(bench, moment)
        bench.running.qmp("stop")
        keep(disk, copy_at(disk, name))
        bench.running.qmp("cont")
    end = bench.console.expect(_OVER, LONG)
    return Output(int(end.text[6:-1]), plain(said + end.before))


def copy_at(disk: Path, name: str) -> Path:
    """Return where the image of a moment is."""
    return disk.with_name(f"{disk.stem}-{name}.img")


def quit_at(bench: Bench, words: str, moment: Moment) -> None:
    """Run `xendemo install`, and end QEMU in the middle of it."""
    _begin(bench, words)
    _wait(bench, moment)
    try:
        bench.running.qmp("quit")
    except BuildError:  # it may be gone before it has answered
        assert bench.running.ended(0), "QEMU runs on"
    assert bench.running.ended(60), "QEMU runs on"


def _begin(bench: Bench, words: str) -> None:
    # Lines in place of a bar: a pattern finds them.
    bench.console.press(f'TERM=dumb xendemo install {words}; echo "<ov"er:$?">"\r')


def _wait(bench: Bench, moment: Moment) -> str:
    seen = bench.console.expect([moment.pattern(), _OVER], LONG)
    assert not seen.index, f"{moment.step} never began: {plain(seen.before)[-2000:]}"
    time.sleep(moment.later)
    return seen.before + seen.text
