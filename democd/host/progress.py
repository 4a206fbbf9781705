"""What a person sees while a build works: one line a step, with a bar where the end is known.

On a terminal the running step is live (rich); elsewhere each step is a plain line when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.bar import Bar
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

BAR_WIDTH = 24  # columns


class Step:
    """The step at work; what it is told here is shown with it."""

    def __init__(self, progress: Progress | None, task: int) -> None:
        self._progress = progress
        self._task = task
        self.result = ""

    def at(self, done: float, total: float) -> None:
        """Show the bar at `done` of `total`, in any unit."""
        if self._progress:
            self._progress.update(self._task, completed=done, total=total)  # type: ignore[arg-type]

    def now(self, what: str) -> None:
        """Show what the step is doing at the moment."""
        if self._progress:
            self._progress.update(self._task, detail=escape(what[-60:]))  # type: ignore[arg-type]

    def says(self, result: str) -> None:
        """Set the words that stand behind the step when it is done."""
        self.result = result


class Reporter:
    """Prints steps to the terminal; `quiet` prints nothing but failures."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[Step]:
        """Show a step from its start to its end.

        Args:
            name: one word, e.g. `root`.
            what: a few words on what it makes.
        """
        begun = time.monotonic()
        with self._live(name, what) as step:
            try:
                yield step
            except BaseException:
                step.says("not finished")
                raise
            finally:
                seconds = time.monotonic() - begun
                words = f"{what}: {step.result}" if step.result else what
                self.say(f"  {name:<10}{seconds:7.1f} s  {words}")

    @contextmanager
    def _live(self, name: str, what: str) -> Iterator[Step]:
        if self.quiet or not self.console.is_terminal:
            yield Step(None, 0)
            return
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=BAR_WIDTH),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
        ) as progress:
            yield Step(progress, int(progress.add_task(name, total=None, detail=escape(what))))

    def say(self, text: str) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(text, markup=False)

    def shares(self, rows: Iterable[tuple[str, float]]) -> None:
        """Print lines; on a terminal with a bar for the share, in per cent, that goes with each."""
        if not self.console.is_terminal:
            for line, _ in rows:
                self.say(f"  {line}")
            return
        table = Table.grid(padding=(0, 2))
        for line, percent in rows:
            table.add_row(Text(f"  {line}"), Bar(100, 0, percent, width=BAR_WIDTH))
        if not self.quiet:
            self.console.print(table)
