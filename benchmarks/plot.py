"""The plots: crowds of guests by their number, and where the time of a boot goes."""

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


COLOURS = ("#9a9a9a", "#c9a227", "#205080", "#4f8f4f", "#c06020", "#7a4f8f")


def draw_boots(path: Path, boots: Mapping[str, Mapping[str, float]]) -> None:
    """Draw a bar for each boot into a PNG file, the same bytes for the same figures.

    Args:
        path: the file.
        boots: for each disc, the second at which each part begins, in their order; the last ends
            the bar.
    """
    figure, axes = plt.subplots(figsize=(9, 2.4), layout="constrained")
    names = list(boots)
    parts = list(dict.fromkeys(part for boot in boots.values() for part in list(boot)[:-1]))
    for part, colour in zip(parts, COLOURS, strict=False):
        begins = [boots[name].get(part, 0.0) for name in names]
        ends = [_next(boots[name], part) for name in names]
        widths = [end - begin for begin, end in zip(begins, ends, strict=True)]
        axes.barh(names, widths, left=begins, color=colour, label=part)
    axes.invert_yaxis()
    axes.set_xlabel("seconds since power-on")
    axes.legend(frameon=False, ncols=len(parts), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    axes.grid(alpha=0.3, axis="x")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _next(boot: Mapping[str, float], part: str) -> float:
    """Return the second at which a part ends; that at which it begins, if the boot has none."""
    names = list(boot)
    return boot[names[names.index(part) + 1]] if part in names[:-1] else 0.0
