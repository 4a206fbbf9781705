"""What became of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "error", "not possible", "interrupted"]


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Attributes:
        status: `failed`: what was tested is wrong; `error`: it could not be tested though it
            should be; `not possible`: this machine cannot do it.
        seconds: that the case took; the first on a machine has the boot in it.
        why: one line, unless it passed.
        where: the place in a program or the stage of the boot, where it is known.
        lines: the serial line's last words around what went wrong.
    """

    case: str
    machine: str
    status: Status
    seconds: float
    why: str = ""
    where: str = ""
    lines: tuple[str, ...] = ()

    def bad(self) -> bool:
        """Tell whether somebody must look at it."""
        return self.status in ("failed", "error", "interrupted")


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 0 if something passed and nothing is bad, else 1."""
    bad = any(verdict.bad() for verdict in verdicts)
    return 0 if not bad and any(verdict.status == "passed" for verdict in verdicts) else 1


def line(verdict: Verdict) -> str:
    """Return a verdict as a line for a person."""
    head = f"{verdict.status:<13}{verdict.case:<20}{verdict.seconds:6.1f} s"
    return f"{head}  {verdict.why}" if verdict.why else head


def details(verdict: Verdict) -> list[str]:
    """Return what stands below the line of a bad verdict."""
    if not verdict.bad():
        return [f"    {text}" for text in verdict.lines]
    where = [f"    where: {verdict.where}"] if verdict.where else []
    return [*where, *(f"    | {text}" for text in verdict.lines)]


def summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    """Return the last line: how many of each, and the time in all."""
    statuses = ("passed", "failed", "error", "not possible", "interrupted")
    names = {"not possible": "not possible here"}
    count = {status: sum(v.status == status for v in verdicts) for status in statuses}
    told = [f"{n} {names.get(status, status)}" for status, n in count.items() if n]
    return f"{', '.join(told) or 'nothing was tested'}; {seconds:.1f} s"
