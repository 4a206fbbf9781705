"""What a verification found: a line a check, with a remedy where it failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


class FaultError(Exception):
    """A check failed.

    Args:
        what: what is wrong, one line a fault.
        remedy: what to do about it, or "".
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it passed, what was seen, and what to do if it did not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """All checks of an ISO; `size` in bytes, and `volume`, which of a stick is less."""

    path: Path
    size: int
    checks: tuple[Check, ...]
    volume: int

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)


def report(verdict: Verdict) -> str:
    """Return the verdict for a person to read."""
    width = max(len(check.name) for check in verdict.checks)
    lines = []
    for check in verdict.checks:
        first, *more = check.detail.splitlines() or [""]
        lines.append(f"{'✓' if check.ok else '✗'} {check.name:<{width}}  {first}")
        lines += [f"  {'':<{width}}  {line}" for line in more]
        if check.remedy and not check.ok:
            lines.append(f"  {'':<{width}}  → {check.remedy}")
    failed = sum(not check.ok for check in verdict.checks)
    lines.append("")
    if failed:
        lines.append(f"{verdict.path}: {failed} of {len(verdict.checks)} checks failed")
    else:
        lines.append(f"{verdict.path}: good ({verdict.size / 1e6:.1f} MB)")
    return "\n".join(lines)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict for programs, as JSON values."""
    return {
        "path": str(verdict.path),
        "size": verdict.size,
        "ok": verdict.ok,
        "checks": [
            {"name": c.name, "ok": c.ok, "detail": c.detail, "remedy": c.remedy}
            for c in verdict.checks
        ],
    }
