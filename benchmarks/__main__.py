"""`python -m benchmarks [PART …]`: measure all or some, print the table, keep the figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import boot, build, crowds, guests, install, master, remake, repeat, smoke
from benchmarks.report import tell
from democd.cli import explain
from democd.errors import BuildError

ALL = {
    "build": build.measure,
    "repeat": repeat.measure,
    "master": master.measure,
    "boot": boot.measure,
    "guests": guests.measure,
    "crowds": crowds.measure,
    "smoke": smoke.measure,
    "install": install.measure,
    "remake": remake.measure,
}


def main(names: Sequence[str]) -> None:
    """Measure what is named, or all; end with exit code 1 when something could not be."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"error: no measurement {', '.join(unknown)}; there are: {', '.join(ALL)}")
    rows, notes = [], []
    try:
        for name in names or ALL:
            more, said = ALL[name]()
            rows += more
            notes += said
    except BuildError as error:
        sys.exit(explain(error))
    tell("-".join(names) or "all", rows, notes)


if __name__ == "__main__":
    main(sys.argv[1:])
