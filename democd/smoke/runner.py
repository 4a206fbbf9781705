"""Runs cases: machine by machine, some at a time, and ends every machine whatever happens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from democd.boots import Boot
from democd.host.qemu import Drive
from democd.host.running import Running
from democd.smoke import keep, milestones
from democd.smoke.board import Board
from democd.smoke.cases import Case, Hardware
from democd.smoke.disc import Disc
from democd.smoke.dom0 import prompt_of
from democd.smoke.verdict import Verdict
from democd.smoke.visit import Settings, Visit, Watcher, machine_for, opened, run_cases

Hold = Callable[[Running], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class Trip:
    """A machine, and what is to be found out on it.

    Attributes:
        cases: the names of them all, for those that nobody comes to.
        go: starts the machine, and gives each verdict as soon as it is known.
    """

    machine: str
    cases: tuple[str, ...]
    go: Callable[[Settings, Watcher, Hold], Iterator[Verdict]]


def trip(
    hardware: Hardware, cases: Sequence[Case], disc: Disc, others: tuple[Drive, ...] = ()
) -> Trip:
    """Return the trip of a machine that boots a disc for some cases.

    Args:
        hardware: the machine.
        cases: all on this machine.
        disc: what it boots.
        others: drives behind the disc.
    """

    def go(settings: Settings, watcher: Watcher, hold: Hold) -> Iterator[Verdict]:
        machine = machine_for(hardware, disc, settings, others)
        verdicts = []
        with opened(hardware, machine, disc, settings, watcher, hold) as visit:
            for verdict in run_cases(visit, tuple(cases)):
                verdicts.append(verdict)
                yield verdict
            keep.keep_boot(visit.log.parent, settings.boots, _boot(visit, verdicts))

    return Trip(hardware.name, tuple(case.name for case in cases), go)


def _boot(visit: Visit, verdicts: Sequence[Verdict]) -> Boot:
    """Return what is kept of how a machine booted."""
    return Boot(
        visit.disc.booted,
        visit.hardware.name,
        visit.settings.accel,
        visit.settings.memory,
        milestones.read(visit.said(), prompt_of(visit.disc)),
        {verdict.case: verdict.status for verdict in verdicts},
    )


class Runner:
    """Runs trips, so many at a time.

    Attributes:
        verdicts: those known so far, in the order in which they were found.
    """

    def __init__(self, settings: Settings, board: Board, jobs: int) -> None:
        self.verdicts: list[Verdict] = []
        self._settings = settings
        self._board = board
        self._jobs = jobs
        self._lock = threading.Lock()
        self._running: list[Running] = []
        self._closing = False

    def run(self, trips: Sequence[Trip]) -> list[Verdict]:
        """Run them all and return the verdicts; an interruption ends every machine first.

        Raises:
            BuildError: QEMU is missing or does not start.
        """
        pool = ThreadPoolExecutor(self._jobs, "smoke")
        futures = [pool.submit(self._go, trip) for trip in trips]
        try:
            _until_all_are_done(futures)
        finally:
            self._close()
            pool.shutdown(cancel_futures=True)
        return self.verdicts

    def unfinished(self, trips: Sequence[Trip]) -> list[Verdict]:
        """Return a verdict `interrupted` for each case that has none."""
        known = {(verdict.machine, verdict.case) for verdict in self.verdicts}
        return [
            Verdict(case, trip.machine, "interrupted", 0.0, "interrupted before its verdict")
            for trip in trips
            for case in trip.cases
            if (trip.machine, case) not in known
        ]

    def _go(self, trip: Trip) -> None:
        if self._closing:
            return
        try:
            for verdict in trip.go(self._settings, self._board, self._hold):
                if self._closing:  # what ended may be our own doing
                    return
                self.verdicts.append(verdict)
                self._board.verdict(verdict)
        finally:
            self._board.over(trip.machine)

    @contextlib.contextmanager
    def _hold(self, running: Running) -> Iterator[None]:
        """Know a machine as long as it runs; one that starts too late is ended at once."""
        with self._lock:
            self._running.append(running)
            if self._closing:
                running.stop()
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(running)

    def _close(self) -> None:
        with self._lock:
            self._closing = True
            for running in self._running:
                running.stop()


def _until_all_are_done(futures: list[Future[None]]) -> None:
    """Wait for all, in slices: a signal must get through; a failure of ours is told at once."""
    left = set(futures)
    while left:
        done, left = wait(left, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
