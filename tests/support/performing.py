"""Carries out the installer's plans in tests, and ends it amid its work as a power cut does."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.building import PROJECT
from xendemo.install.doing import perform as _perform
from xendemo.install.log import Log
from xendemo.install.progress import Progress
from xendemo.install.steps import Plan

# What changes a file system, as Python tells of it before it is done (Python, audit events).
CHANGES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.chmod", "os.utime",
           "subprocess.Popen")  # fmt: skip


def perform(plan: Plan, log: Path | None = None) -> list[str]:
    """Carry out a plan; return what was warned of."""
    where = log or Path(os.environ.get("TMPDIR", "/tmp")) / f"xendemo-test-{os.getpid()}.log"
    try:
        return _perform(plan, Progress(io.StringIO(), len(plan.steps)), Log(str(where)))
    finally:
        where.unlink(missing_ok=True)


def cut_short(plan: Plan, change: int) -> bool:
    """Carry out a plan in a process of its own, killed before a change; return whether it was.

    Args:
        plan: the plan.
        change: its number, from 1.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.performing", str(change)],
        input=pickle.dumps(plan), cwd=PROJECT, capture_output=True,
        env={**os.environ, "PYTHONPATH": f"{PROJECT}:{PROJECT}/overlays/xendemo/usr/lib/xendemo"},
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


def _main(last: int) -> None:
    plan = pickle.load(sys.stdin.buffer)
    count = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if event not in CHANGES:
            return
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    perform(plan)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
