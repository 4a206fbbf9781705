"""What a person sees while machines run: how far each is, and a line for each verdict.

On a terminal each machine has a live line (rich); elsewhere each stage is a plain line.
Verdicts go to standard output, all else to standard error.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from democd.smoke.verdict import Verdict, details, line


class Board:
    """Shows the machines of a run; a context, whose end takes the live lines away.

    Args:
        quiet: only verdicts.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        live = self._console.is_terminal and not quiet
        self._progress = (
            Progress(
                SpinnerColumn(),
                TextColumn("{task.description:<12}"),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[stage]}"),
                console=self._console,
                transient=True,
            )
            if live
            else None
        )

    def __enter__(self) -> Board:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress:
            self._progress.stop()

    def stage(self, machine: str, what: str, seconds: float) -> None:
        """Show that a machine has come so far, so many seconds after it was switched on."""
        with self._lock:
            if self._progress is None:
                self._say(f"  {machine:<12}{seconds:6.1f} s  {what}")
            elif machine in self._tasks:
                self._progress.update(self._tasks[machine], stage=escape(what))
            else:
                task = self._progress.add_task(machine, total=None, stage=escape(what))
                self._tasks[machine] = task

    def at_work(self, machine: str, what: str) -> None:
        """Show what a machine does at the moment, where its line is live."""
        with self._lock:
            if self._progress and machine in self._tasks:
                self._progress.update(self._tasks[machine], stage=escape(what))

    def over(self, machine: str) -> None:
        """Take a machine's live line away."""
        with self._lock:
            if self._progress and machine in self._tasks:
                self._progress.remove_task(self._tasks.pop(machine))

    def verdict(self, verdict: Verdict) -> None:
        """Show a verdict, and if it is bad what is known of it."""
        with self._lock:
            text = "\n".join([line(verdict), *details(verdict)])
            if self._progress and sys.stdout.isatty():
                self._progress.console.print(text, markup=False)
            else:
                print(text, flush=True)

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, markup=False)
