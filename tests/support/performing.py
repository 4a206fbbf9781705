"""Carries out the installer's plans in tests, and ends it amid its work as a power cut does."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xendemo import cli
from xendemo.errors import Interrupted
from xendemo.install.doing import perform as _perform
from xendemo.install.log import Log
from xendemo.install.progress import Progress
from xendemo.install.steps import Plan

# What changes a file system, as Python tells of it before it is done (Python, audit events).
NAMES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir")
CHANGES = (*NAMES, "os.chmod", "os.utime", "subprocess.Popen")


@contextlib.contextmanager
def memory(otherwise: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: flushing so often takes minutes on a disk."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def perform(plan: Plan, log: Path | None = None) -> list[str]:
    """Carry out a plan; return what was warned of."""
    where = log or _log_of(os.getpid())
    kept = Log(str(where))
    try:
        return _perform(plan, Progress(io.StringIO(), len(plan.steps)), kept)
    finally:
        kept.close()
        if not log:
            where.unlink(missing_ok=True)


def _log_of(process: int) -> Path:
    return Path(tempfile.gettempdir()) / f"xendemo-test-{process}.log"


@dataclass(frozen=True)
class Ended:
    """How a process has ended: its exit code, -N for signal N, and what it said."""

    code: int
    said: str


def disturbed(plan: Plan, number: int, at: int, events: tuple[str, ...] = CHANGES) -> Ended:
    """Carry out a plan in a process of its own that gets a signal before one of its changes.

    Args:
        plan: the plan.
        number: of the signal.
        at: number of the change, from 1.
        events: what counts as a change.
    """
    left = at

    def auditor(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        if event in events:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    def work() -> tuple[int, str]:
        sys.addaudithook(auditor)
        try:
            perform(plan)
        except Interrupted as interrupted:
            return 130, str(interrupted)
        return 0, ""

    return forked(work)


def order(plan: Plan) -> list[str]:
    """Carry out a plan in a process of its own; return its renamings and programs in their order.

    Returns:
        `name PATH` for what gets a name, and the words of each program.
    """
    seen: list[str] = []

    def auditor(event: str, args: tuple[Any, ...]) -> None:
        if event == "os.rename":
            seen.append(f"name {args[1]}")
        elif event == "subprocess.Popen":
            seen.append(" ".join(args[1]))

    def work() -> tuple[int, str]:
        sys.addaudithook(auditor)
        perform(plan)
        return 0, "\n".join(seen)

    done = forked(work)
    assert done.code == 0, done.said
    return done.said.splitlines()


def cut_short(plan: Plan, change: int) -> bool:
    """Carry out a plan in a process that is killed before a change; return whether it was."""
    done = disturbed(plan, signal.SIGKILL, change)
    assert done.code in (0, -signal.SIGKILL), done.said
    return done.code != 0


def forked(work: Callable[[], tuple[int, str]]) -> Ended:
    """Do something in a child of ours: a new Python would take longer to start than its work."""
    return Child(work).end()


class Child:
    """A process that does some work, and ends with the code and the words that it returns."""

    def __init__(self, work: Callable[[], tuple[int, str]]) -> None:
        source, sink = os.pipe()
        self.number = os.fork()
        if not self.number:
            code, said = 70, ""
            try:
                signal.signal(signal.SIGTERM, cli._interrupt)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                code, said = work()
            except BaseException:
                said = traceback.format_exc()
            finally:  # never back into the tests
                os.write(sink, said.encode())
                os._exit(code)
        os.close(sink)
        self._pipe = os.fdopen(source, "rb")

    def end(self, number: int = 0) -> Ended:
        """Send it a signal, if one is named, and wait for its end."""
        if number:
            os.kill(self.number, number)
        with self._pipe as pipe:
            status = os.waitstatus_to_exitcode(os.waitpid(self.number, 0)[1])
            _log_of(self.number).unlink(missing_ok=True)  # it was killed amid its work
            return Ended(status, pipe.read().decode())
