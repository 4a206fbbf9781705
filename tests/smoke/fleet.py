"""Runs of `./build.py smoke`, some at a time, ahead of the tests that look at them."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from democd.smoke.emulator import LOST
from tests.support import ci
from tests.support.building import BUILD, PROJECT
from tests.support.lanes import LANE, PACE
from tests.support.testkernels import assemble

KEPT = BUILD / "smoke-tests"
CI = "ci-example"


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


def lay_parts(boot: Path, folder: Path) -> Parts:
    """Make them, of what is in a root's /boot."""
    xen = folder / "xen/xen.gz"
    xen.parent.mkdir()
    shutil.copy(next(boot.glob("xen-*-amd64.gz")), xen)
    data = bytearray(gzip.decompress(xen.read_bytes()))
    data[0x60000:0x80000] = b"\xcc" * 0x20000
    damaged, short = folder / "damaged.gz", folder / "short.gz"
    damaged.write_bytes(gzip.compress(bytes(data)))
    short.write_bytes(xen.read_bytes()[:-1000])
    images = folder / "images"
    images.mkdir()
    assemble(images, "success", "skip", "failure", "crash", "hang")
    return Parts(xen, damaged, short, next(boot.glob("vmlinuz-*-cloud-amd64")), images)


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
    """The runs of a session, of those parts; `pool` has the queue."""

    def __init__(self, parts: Parts, pool: Executor) -> None:
        self._parts = parts
        self._pool = pool
        self._runs: dict[str, Future[Ran]] = {}
        KEPT.mkdir(parents=True, exist_ok=True)

    def start(self, name: str) -> None:
        self._runs[name] = self._pool.submit(run, name, self._parts)

    def __getitem__(self, name: str) -> Ran:
        return self._runs[name].result()

    def close(self) -> None:
        """Begin no further one; nobody waits for them any more."""
        for run in self._runs.values():
            run.cancel()


def run(name: str, parts: Parts) -> Ran:
    """Run it; once more if the emulator crashed a guest."""
    with LANE:
        ran = _once(name, parts)
        logs = ran.kept.rglob("serial.log") if ran.code else ()
        return _once(name, parts) if any(LOST in log.read_text() for log in logs) else ran


def _once(name: str, parts: Parts) -> Ran:
    if name == CI:
        return _as_ci(parts.xen, KEPT / name)
    kept = KEPT / name
    command = ["build.py", "smoke", *words_of(name, parts), "--timeout", PACE, "--artifacts", kept]
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=PROJECT, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr, kept)


def _as_ci(xen: Path, tree: Path) -> Ran:
    """Run a CI example's lines, from where Xen is built on, in a tree that has it by then.

    All examples have the same lines: tests/unit/test_ci_examples.py.
    """
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "xen").mkdir(parents=True)
    shutil.copy(xen, tree / "xen/xen.gz")
    (tree / "democd").symlink_to(PROJECT)
    (tree / "democd-build").symlink_to(PROJECT / "build")
    lines = "\n".join(["set -e", *ci.smoke_lines(ci.FILES[0])])
    done = subprocess.run(
        ["bash", "-c", lines], cwd=tree, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr, tree / "smoke")
