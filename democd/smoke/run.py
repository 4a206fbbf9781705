"""`build.py smoke`: which cases, on which machines, and what is told and kept of them."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from democd.errors import Mistakes
from democd.host.qemu import DEFAULT_MEMORY, accelerator
from democd.smoke import junit
from democd.smoke.board import Board
from democd.smoke.boot import MEMORY_LEAST
from democd.smoke.cases import CASES, MACHINES, Case
from democd.smoke.disc import look_at
from democd.smoke.runner import Runner, Trip, trip
from democd.smoke.verdict import Verdict, exit_code, summary
from democd.smoke.visit import Settings

ALL = "all"


@dataclass(frozen=True)
class SmokeOptions:
    """What to run, and how.

    Attributes:
        names: of cases; `all`; none takes the quick ones.
        junit: a file that gets the verdicts as JUnit XML.
        artifacts: a folder that gets, for each machine, its serial log, screens, and the script
            that starts it by hand.
        jobs: machines at a time.
        timeout: factor on every time that is waited.
        memory: MiB of each machine.
        accel: "" takes KVM where it works.
        boots: a folder that keeps how long each machine took to boot.
    """

    names: tuple[str, ...] = ()
    junit: Path | None = None
    artifacts: Path | None = None
    jobs: int = 1
    timeout: float = 1.0
    memory: int = DEFAULT_MEMORY
    accel: Literal["", "kvm", "tcg"] = ""
    boots: Path | None = None
    quiet: bool = False


def mistakes_in(options: SmokeOptions) -> list[tuple[str, str]]:
    """Return what is wrong with options, each with its remedy."""
    known = [case.name for case in CASES]
    wrong = [
        (f"--case: there is no case {name!r}", f"there are: {', '.join(known)}, or {ALL}")
        for name in options.names
        if name not in (*known, ALL)
    ]
    if options.memory < MEMORY_LEAST:
        wrong.append((f"--memory {options.memory} is too little", f"{MEMORY_LEAST} at least"))
    if options.jobs < 1:
        wrong.append((f"--jobs {options.jobs}: nothing would run", "write 1 or more"))
    if not 0 < options.timeout <= 100:
        wrong.append((f"--timeout {options.timeout:g} is no factor", "1 is as ever, 3 for slow"))
    for name, path in (("--junit", options.junit), ("--artifacts", options.artifacts)):
        if path and not path.absolute().parent.is_dir():
            wrong.append((f"{name} {path}: no such folder {path.parent}", "make it first"))
    if options.junit and options.junit.is_dir():
        wrong.append((f"--junit {options.junit} is a folder", "name a file"))
    if options.artifacts and options.artifacts.exists() and not options.artifacts.is_dir():
        wrong.append((f"--artifacts {options.artifacts} is no folder", "name a folder"))
    return wrong


def chosen(names: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases with these names, in the table's order; the quick ones, if none is named."""
    if not names:
        return tuple(case for case in CASES if case.quick)
    return tuple(case for case in CASES if ALL in names or case.name in names)


def listing() -> str:
    """Return the table of cases for a person."""
    lines = [f"{'CASE':<14}{'MACHINE':<13}{'QUICK':<7}WHAT"]
    lines += [
        f"{case.name:<14}{case.machine:<13}{'yes' if case.quick else '':<7}{case.what}"
        for case in CASES
    ]
    return "\n".join(lines)


def trips_for(iso: Path, cases: Sequence[Case]) -> list[Trip]:
    """Return a trip for each machine that the cases need.

    Raises:
        InputError: the ISO is not there, or no disc of ours.
    """
    disc = look_at(iso)
    machines = dict.fromkeys(case.machine for case in cases)
    return [
        trip(MACHINES[name], [case for case in cases if case.machine == name], disc)
        for name in machines
    ]


def smoke(options: SmokeOptions, trips: Sequence[Trip]) -> int:
    """Run trips, tell and keep what came of them, and return the exit code.

    Raises:
        Mistakes: all that is wrong with the options.
        BuildError: QEMU is missing or does not start.
        KeyboardInterrupt, SystemExit: interrupted; every machine is ended, and it is told which
            cases have their verdict.
    """
    wrong = mistakes_in(options)
    if wrong:
        raise Mistakes(wrong)
    begun = time.monotonic()
    with _artifacts(options.artifacts) as folder, Board(quiet=options.quiet) as board:
        accel = accelerator(options.accel)
        settings = Settings(folder, options.memory, options.timeout, accel, options.boots)
        runner = Runner(settings, board, options.jobs)
        try:
            verdicts = runner.run(trips)
        except (KeyboardInterrupt, SystemExit):
            _close(options, [*runner.verdicts, *runner.unfinished(trips)], board, begun)
            raise
        _close(options, verdicts, board, begun)
    return exit_code(verdicts)


def _close(options: SmokeOptions, verdicts: list[Verdict], board: Board, begun: float) -> None:
    """Tell what there is to tell at the end, and write the JUnit file."""
    for verdict in verdicts:
        if verdict.status == "interrupted":
            board.verdict(verdict)
    print(summary(verdicts, time.monotonic() - begun), flush=True)
    if options.artifacts:
        print(f"kept in {options.artifacts}", flush=True)
    if options.junit:
        junit.write(options.junit, verdicts)


@contextlib.contextmanager
def _artifacts(folder: Path | None) -> Iterator[Path]:
    if folder:
        folder.mkdir(exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="democd-smoke-") as scratch:
        yield Path(scratch)
