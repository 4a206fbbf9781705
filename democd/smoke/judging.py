"""What the error that ended a case means, by the serial log: failed, not possible, and why."""

from __future__ import annotations

import re

from democd.errors import BuildError
from democd.smoke.cases import Case
from democd.smoke.console import ConsoleError
from democd.smoke.diagnosis import diagnose, excerpt
from democd.smoke.steps import FailureSaidError, NotPossibleError, NoVerdictError
from democd.smoke.verdict import Status, Verdict


def judge(
    case: Case,
    error: BuildError,
    seconds: float,
    log: list[str],
    at: str,
    unable: tuple[tuple[str, str], ...] = (),
) -> Verdict:
    """Decide what a failure means.

    Args:
        case: that has failed.
        error: what ended the case.
        seconds: what it took.
        log: the serial line, from the start of the case.
        at: what was going on, in words.
        unable: of the machine, see `Hardware`.
    """
    if isinstance(error, NotPossibleError):
        hint = tuple(error.hint.splitlines())
        return Verdict(case.name, case.machine, "not possible", seconds, error.message, "", hint)
    for pattern, why in unable:
        if found := next((line for line in log if re.search(pattern, line)), ""):
            hint = (f"Xen says: {found}",)
            return Verdict(case.name, case.machine, "not possible", seconds, why, "", hint)
    status: Status = "error" if isinstance(error, NoVerdictError) else "failed"
    trouble = diagnose(log)
    kind = error.kind if isinstance(error, ConsoleError) else "wrong"
    # A wrong answer is told as such, unless something broke; an oops is no mere trouble of `xl`.
    said_so = isinstance(error, FailureSaidError | NoVerdictError)
    if trouble and not said_so and (trouble.fatal or kind != "wrong" or "oops" in trouble.what):
        why, where, lines = trouble.what, trouble.where, excerpt(log, trouble.line)
    else:
        why, where = _told(error, kind), f"in {at}"
        said = tuple(error.hint.splitlines()) if kind == "wrong" else ()
        lines = said or excerpt(log, len(log))
    return Verdict(case.name, case.machine, status, seconds, why, where, lines)


def _told(error: BuildError, kind: str) -> str:
    """Return what a wait that ended without a panic means."""
    what, _, waiting = error.message.partition(" (waiting for ")
    told = {
        "silent": f"it hangs: {what.removesuffix(', it hangs')}",
        "slow": f"too slow, though it still talks: {what}",
    }.get(kind, what)
    return f"{told} ({waiting.removesuffix(')')} was to come)" if waiting else told
