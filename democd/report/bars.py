"""How long boots took, as bars: a piece for each stage."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from democd.boots import PROMPT, Boot

COLOURS = {
    "firmware": "firmware",
    "GRUB": "boot-loader",
    "Xen": "hypervisor",
    "dom0's kernel": "kernels",
    "dom0's init": "system",
}
"""Each stage, and what of the page's colours it has: that of the part of the disc that runs."""

DONE = {PROMPT: "the prompt"}
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_TICKS = 8


@dataclass(frozen=True)
class Stage:
    """A stage of a boot; seconds since the machine was switched on, and how many it took."""

    name: str
    colour: str
    start: float
    seconds: float


@dataclass(frozen=True)
class Bar:
    """A boot.

    Attributes:
        machine: its name.
        how: by what it was run, and with how much memory.
        version: of the disc, if it is another one; else "".
        stages: in their order.
        seconds: until the prompt; or until the last stage that it came to.
        end: where it ended if not at the prompt; else "".
        cases: how many of each verdict, in words.
        bad: not all is well.
    """

    machine: str
    how: str
    version: str
    stages: tuple[Stage, ...]
    seconds: float
    end: str
    cases: str
    bad: bool


def bars(own: Sequence[Boot], others: Sequence[Boot]) -> list[Bar]:
    """Return the bars of a disc's boots, and behind them those of other builds of its recipe."""
    return [*(_bar(boot, "") for boot in own), *(_bar(boot, boot.disc.version) for boot in others)]


def ticks(longest: float) -> list[int]:
    """Return the seconds that an axis shows, from 0 to the longest bar or a little beyond."""
    step = next((step for step in _STEPS if longest / step <= _TICKS), _STEPS[-1])
    return [step * number for number in range(int(longest // step) + 1)]


def _bar(boot: Boot, version: str) -> Bar:
    marks = sorted(boot.milestones.items(), key=lambda mark: mark[1])
    stages = [
        Stage(name, COLOURS.get(name, "other-files"), start, following - start)
        for (name, start), (_, following) in itertools.pairwise(marks)
    ]
    last, seconds = marks[-1] if marks else ("", 0.0)
    emulated = "emulated processor" if boot.accel == "tcg" else "KVM"
    return Bar(
        boot.machine,
        f"{emulated}, {boot.memory} MiB",
        version,
        tuple(stages),
        seconds,
        "" if last == PROMPT else last,
        _counted(list(boot.cases.values())),
        last != PROMPT or any(it not in ("passed", "not possible") for it in boot.cases.values()),
    )


def _counted(verdicts: list[str]) -> str:
    words = dict.fromkeys(verdicts)
    told = [f"{verdicts.count(word)} {word}" for word in words]
    return f"{'case' if len(verdicts) == 1 else 'cases'}: {', '.join(told)}" if told else ""
