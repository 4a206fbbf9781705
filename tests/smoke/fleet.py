"""Runs of `./build.py smoke`, some at a time, ahead of the tests that look at them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from democd.smoke.emulator import LOST
from tests.boot.fleet import AT_ONCE, PACE
from tests.support.building import BUILD, PROJECT

KEPT = BUILD / "smoke-tests"


@dataclass(frozen=True)
class Ran:
    """What a run said, and where its artifacts are."""

    code: int
    out: str
    err: str
    kept: Path

    def line(self, case: str) -> str:
        """Return the line of a case."""
        lines = [line for line in self.out.splitlines() if line[13:].startswith(f"{case} ")]
        assert len(lines) == 1, self.out + self.err
        return lines[0]


@dataclass(frozen=True)
class Parts:
    """What the runs are given.

    Attributes:
        xen: the hypervisor of Debian's package, where the build of a Xen tree leaves its own.
        damaged: it, with code overwritten: every header is whole.
        short: it, cut short.
        guest_kernel: a kernel that cannot be dom0.
        images: test kernels, each with its .cfg.
    """

    xen: Path
    damaged: Path
    short: Path
    guest_kernel: Path
    images: Path


def words_of(name: str, parts: Parts) -> list[object]:
    """Return the options of a run."""
    kernel = parts.images / "test-pv64-"
    return {
        "good": ["--xen", parts.xen, "--junit", KEPT / "good.xml"],
        "cases": ["--case", "ping", "save-restore", "pvh-guest", "uefi-cd", "cpupool", "uefi-usb",
                  "bios-usb", "pvh-dom0"],
        "full": [BUILD.parent / "dist/xendemo.iso"],
        "no-dom0": ["--dom0-kernel", parts.guest_kernel],
        "short": ["--xen", parts.short],
        "damaged": ["--xen", parts.damaged],
        "xen-panics": ["--set", 'xen.options=["dom0_mem=8G,max:8G", "noreboot"]'],
        "dom0-panics": ["--set", 'linux.options=["rdinit=/nonexistent"]'],
        "no-modules": ["--set", "initrd.xen0=[]"],
        "images": ["--guest-images", parts.images],
        "modules": ["--dom0-module", f"{kernel}success", f"{kernel}failure", f"{kernel}crash"],
    }[name]  # fmt: skip


class Fleet:
    """The runs of a session."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, "smoke")
        self._runs: dict[str, Future[Ran]] = {}

    def start(self, name: str, parts: Parts) -> None:
        self._runs[name] = self._pool.submit(run, name, words_of(name, parts))

    def __getitem__(self, name: str) -> Ran:
        return self._runs[name].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def run(name: str, words: list[object]) -> Ran:
    """Run it; once more if the emulator crashed a guest."""
    ran = _once(name, words)
    logs = ran.kept.rglob("serial.log") if ran.code else ()
    return _once(name, words) if any(LOST in log.read_text() for log in logs) else ran


def _once(name: str, words: list[object]) -> Ran:
    kept = KEPT / name
    command = ["build.py", "smoke", *words, "--timeout", PACE, "--artifacts", kept]
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=PROJECT, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr, kept)
