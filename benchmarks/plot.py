"""The plot of crowds of guests: time and memory by their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt


def draw(path: Path, crowds: Sequence[Mapping[str, float]]) -> None:
    """Draw two panels into a PNG file, the same bytes for the same figures.

    Args:
        path: the file.
        crowds: for each `count` of guests, `seconds` until all answer, and MiB taken of `xen`'s
            free memory and of `dom0`'s.
    """
    counts = [crowd["count"] for crowd in crowds]
    figure, (time, memory) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    time.plot(counts, [crowd["seconds"] for crowd in crowds], "o-", color="#205080")
    time.set_ylabel("seconds until all answer")
    memory.plot(counts, [crowd["xen"] for crowd in crowds], "o-", color="#205080", label="Xen's")
    memory.plot(counts, [crowd["dom0"] for crowd in crowds], "s-", color="#c06020", label="dom0's")
    memory.set_ylabel("MiB taken")
    memory.legend(frameon=False)
    for axes in (time, memory):
        axes.set_xlabel("micro guests")
        axes.set_xticks(counts)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
