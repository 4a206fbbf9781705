"""What was measured: a table for people, and a JSON file for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from democd.errors import BuildError
from democd.host.run import run

TOP = Path(__file__).resolve().parents[1]
FOLDER = TOP / "build" / "benchmarks"
"""Everything that measuring makes: trees, discs and results."""


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        what: in a few words.
        unit: of `ours` and `theirs`: `s` or `MB` (1,000,000 bytes).
        ours: what democd took.
        theirs: what the peer took.
        peer: what the peer is.
        goal: what was hoped for, in words.
        met: whether it is so.
    """

    what: str
    unit: str
    ours: float
    theirs: float
    peer: str
    goal: str
    met: bool

    @property
    def ratio(self) -> float:
        """Ours by theirs: below 1 democd is quicker, or smaller."""
        return self.ours / self.theirs


def ratio_row(what: str, ours: float, theirs: float, peer: str, goal: float) -> Row:
    """Return a row in seconds whose goal is a ratio."""
    return Row(what, "s", ours, theirs, peer, f"ratio <= {goal}", ours / theirs <= goal)


def limit_row(what: str, unit: str, ours: float, theirs: float, peer: str, goal: float) -> Row:
    """Return a row whose goal is a limit for ours, whatever the peer takes."""
    return Row(what, unit, ours, theirs, peer, f"<= {goal:g} {unit}", ours <= goal)


def tell(name: str, rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
    """Print the table, and keep it with the machine's facts in build/benchmarks/NAME.json."""
    facts = machine()
    console = Console(highlight=False, soft_wrap=True)
    Console(width=160).print(table(rows))  # never broken into lines: it is Markdown too
    for note in notes:
        console.print(f"- {note}", markup=False)
    console.print("- " + ", ".join(f"{key} {value}" for key, value in facts.items()), markup=False)
    FOLDER.mkdir(parents=True, exist_ok=True)
    result = {
        "machine": facts,
        "notes": list(notes),
        "rows": [{**vars(row), "ratio": round(row.ratio, 3)} for row in rows],
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table, which is Markdown too."""
    made = Table(box=box.MARKDOWN)
    for head in ("What", "democd", "Peer", "Ratio", "Goal", "Met"):
        made.add_column(head, justify="right" if head in ("democd", "Ratio") else "left")
    for row in rows:
        made.add_row(
            row.what,
            f"{_figure(row.ours)} {row.unit}",
            f"{_figure(row.theirs)} {row.unit}, {row.peer}",
            f"{row.ratio:.2f}",
            row.goal,
            "yes" if row.met else "no",
        )
    return made


def _figure(value: float) -> str:
    """Return a figure with as many digits as it deserves."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def machine() -> dict[str, str]:
    """Return what a reader must know of this machine: never its name, nor where it is."""
    memory = int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024**2
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": _field("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "QEMU": _version("qemu-system-x86_64"),
        "live-build": _version("lb"),
        "mmdebstrap": _version("mmdebstrap"),
    }


def _field(path: str, name: str, separator: str = ":") -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _version(program: str) -> str:
    try:
        first = run([program, "--version"]).stdout.splitlines()[0]
    except BuildError:
        return "none"
    return next((word for word in first.split() if word[0].isdigit()), first).strip("(),")
