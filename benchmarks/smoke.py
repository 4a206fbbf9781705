"""From a new xen.gz to the verdict on it, and where the time of a boot goes.

The peer is the full disc, built already: the same cases, the same machine. The split is read from
the serial log, so each part ends with the first word of the next.
"""

from __future__ import annotations

import gzip
import re
import statistics
import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from benchmarks import say
from benchmarks.checkout import Checkout
from benchmarks.plot import draw_boots
from benchmarks.report import FOLDER, TOP, Row, limit_row
from democd.host.run import run
from democd.smoke.cases import GUEST_PROMPT
from democd.smoke.disc import look_at
from democd.smoke.dom0 import prompt_of
from democd.smoke.milestones import read, second_of

REPEATS = 3
PLOT = TOP / "docs/boot.png"
MACHINE = "bios-cd"
NAMES = {"ours": "smoke disc", "theirs": "full disc"}

Split = Mapping[str, float]
"""The second at which each part of a boot begins; the last, `over`, is the guest's prompt."""
GUEST = "a PV guest"


def measure() -> tuple[list[Row], list[str]]:
    """Time the verdicts, split the boots, draw them, and return the rows and the note."""
    checkout = Checkout()
    checkout.lay()
    full = checkout.result().files.iso
    xen = _own_xen(checkout)
    say("the smoke disc, for the first time")
    _verdict(checkout, "warm", "--xen", xen, "--case", "dom0")
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    splits: dict[str, list[Split]] = {"ours": [], "theirs": []}
    for number in range(REPEATS):
        say(f"verdicts, round {number + 1}")
        for who, words in (("ours", ("--xen", xen)), ("theirs", (full,))):
            seconds, folder = _verdict(checkout, f"{who}-{number + 1}", *words)
            times[who].append(seconds)
            splits[who].append(_split(folder, full if who == "theirs" else _disc(checkout)))
    middle = {who: _median(found) for who, found in splits.items()}
    draw_boots(PLOT, {NAMES[who]: split for who, split in middle.items()})
    return _rows(times, middle), [_table(middle)]


def _own_xen(checkout: Checkout) -> Path:
    """Return Debian's Xen packed anew: other bytes, as a build of one's own has."""
    source = next((checkout.root().parts / "boot").glob("xen-*.gz"))
    target = FOLDER / "xen.gz"
    target.write_bytes(gzip.compress(gzip.decompress(source.read_bytes()), mtime=0))
    return target


def _verdict(checkout: Checkout, name: str, *words: object) -> tuple[float, Path]:
    """Run `./build.py smoke` as a person does; return its seconds, and what it kept."""
    kept = FOLDER / f"smoke-{name}"
    kept.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    run(
        [
            sys.executable, checkout.folder / "build.py", "smoke", *map(str, words),
            "--build-dir", checkout.work, "--artifacts", kept,
            "--accel", "tcg",
        ],
        cwd=checkout.folder,
    )  # fmt: skip
    return time.monotonic() - begun, kept


def _disc(checkout: Checkout) -> Path:
    found = (checkout.work / "smoke").glob("*/smoke.iso")
    return max(found, key=lambda path: path.stat().st_mtime)


def _split(kept: Path, iso: Path) -> Split:
    log = (kept / MACHINE / "serial.log").read_text().splitlines()
    stages = read(log, prompt_of(look_at(iso)))
    prompt = stages.pop("prompt")
    return {**stages, GUEST: prompt, "over": prompt + _guest(log)}


def _guest(log: list[str]) -> float:
    """Return the seconds from what was done before `xl create` to the first prompt of its guest."""
    first = next(number for number, line in enumerate(log) if "] Parsing config from " in line)
    before = second_of(log[first - 1])
    prompt = re.compile(rf"^\[ *[0-9.]+\] guest1:{GUEST_PROMPT}")
    return next(second_of(line) for line in log[first:] if prompt.match(line)) - before


def _median(splits: list[Split]) -> Split:
    return {part: statistics.median(split[part] for split in splits) for part in splits[0]}


def _rows(times: Mapping[str, list[float]], middle: Mapping[str, Split]) -> list[Row]:
    ours, theirs = (statistics.median(times[who]) for who in ("ours", "theirs"))
    smoke, full = middle["ours"], middle["theirs"]
    return [
        limit_row(
            "A new `xen.gz` to the verdict: dom0, `xl info`, a PV guest", "s", ours, theirs,
            "the full disc, already built", 60,
        ),
        limit_row("Power-on to dom0's prompt", "s", smoke[GUEST], full[GUEST],
                  "the full disc's log-in", 35),
        limit_row("`xl create` to a PV guest's prompt", "s", smoke["over"] - smoke[GUEST],
                  full["over"] - full[GUEST], "a micro guest of the full disc", 15),
    ]  # fmt: skip


def _table(middle: Mapping[str, Split]) -> str:
    told = []
    for who, split in middle.items():
        spans = [f"{name} {split[after] - split[name]:.1f} s" for name, after in pairwise(split)]
        told.append(f"{NAMES[who]}: {', '.join(spans)}")
    return f"where a boot's time goes (TCG, one processor, BIOS, CD): {'; '.join(told)}"


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["smoke"])
