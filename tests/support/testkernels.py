"""Test kernels in XTF's manner, assembled for a test: tests/smoke/kernels/testkernel.s."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.building import PROJECT

SOURCES = PROJECT / "tests/smoke/kernels"
OUTCOMES = ("success", "skip", "error", "failure", "hang", "crash")
"""What a kernel can say or do; its place here is the OUTCOME that the source knows."""


def assemble(folder: Path, *outcomes: str) -> list[Path]:
    """Make a test kernel for each outcome, `test-pv64-OUTCOME` with its file for `xl`."""
    made = []
    for outcome in outcomes:
        kernel = folder / f"test-pv64-{outcome}"
        whole = folder / "testkernel.o"
        number = OUTCOMES.index(outcome)
        subprocess.run(
            ["as", "--defsym", f"OUTCOME={number}", "-o", whole, SOURCES / "testkernel.s"],
            check=True,
        )
        subprocess.run(
            ["ld", "--no-warn-rwx-segments", "-T", SOURCES / "testkernel.ld", "-o", kernel, whole],
            check=True,
        )
        whole.unlink()
        kernel.with_name(f"{kernel.name}.cfg").write_text(
            f'name="{kernel.name}"\nloader=""\ntype="pv"\nmemory=16\n'
            f'kernel="/opt/xtf/tests/{outcome}/{kernel.name}"\n'
        )
        made.append(kernel)
    return made
