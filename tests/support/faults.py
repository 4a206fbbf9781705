"""Builds to which something happens at a stage of one's choice, and what they leave."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from democd import sums
from tests.support.building import PROJECT

BEGIN, END = "os.mkdir", "os.rename"
"""Python's own audit events (sys.addaudithook) of a step's scratch folder: it is made, and becomes
the kept result. So a signal comes at that very moment, however quick the step is."""

_SIGNALLED = """
import os, re, runpy, sys
event, path, number, build = sys.argv[1], re.compile(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

def heard(name, given):
    if name == event and path.search(os.fspath(given[0])):
        os.kill(os.getpid(), number)

sys.addaudithook(heard)
sys.argv = sys.argv[4:]
runpy.run_path(build, run_name="__main__")
"""


@dataclass(frozen=True)
class Place:
    """A build folder, an output folder, and keys of the recipe that is built there.

    Attributes:
        words: further options.
    """

    build: Path
    output: Path
    keys: Sequence[str] = ()
    words: Sequence[str] = ()

    def command(self) -> list[str]:
        """The words behind Python that build."""
        places = ["--build-dir", str(self.build), "--output-dir", str(self.output)]
        keys = [word for key in self.keys for word in ("--set", key)]
        return [str(PROJECT / "build.py"), "build", *keys, *self.words, *places]

    def start(self, *before: str) -> subprocess.Popen[str]:
        """Start a build; `before` are words between Python and the build."""
        # In a session of its own, so that a signal to a group of it is not ours as well.
        return subprocess.Popen(
            [sys.executable, *before, *self.command()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, *before: str) -> subprocess.CompletedProcess[str]:
        """Build to the end."""
        with self.start(*before) as process:
            out, said = process.communicate(timeout=1200)
        return subprocess.CompletedProcess(process.args, process.returncode, out, said)

    def signalled(self, event: str, path: str, number: Signals) -> subprocess.CompletedProcess[str]:
        """Build, and send a signal when a path, a regular expression, meets an audit event."""
        return self.run(*signalling(event, path, number))

    def keep(self, results: Iterable[Path], *, copy: bool = False) -> None:
        """Let the build folder keep results of another one; copies of them on another disk."""
        (self.build / "steps").mkdir(parents=True, exist_ok=True)
        for result in results:
            # Links: roots are large, and the builder never writes into a kept result.
            put = shutil.copy2 if copy else os.link
            target = self.build / "steps" / result.name
            shutil.copytree(result, target, symlinks=True, copy_function=put)

    def kept(self) -> dict[str, tuple[int, int]]:
        """Return the kept results, with what tells one that was made again; all must be whole."""
        found = {}
        for result in sorted((self.build / "steps").iterdir()):
            sums.check(result)
            status = (result / sums.FILE).stat()
            found[stage_of(result)] = (status.st_ino, status.st_mtime_ns)
        return found

    def scratch(self) -> list[Path]:
        return list((self.build / "tmp").iterdir())


def signalling(event: str, path: str, number: Signals) -> list[str]:
    """Return the words before a build that let it get a signal as in `Place.signalled`."""
    return ["-c", _SIGNALLED, event, path, str(int(number))]


def stage_of(result: Path) -> str:
    return result.name.rpartition("-")[0]


def scratch_of(stage: str) -> str:
    """Return a regular expression for a step's scratch folder."""
    return rf"/tmp/{re.escape(stage)}-[0-9a-f]{{20}}$"


def in_order(build: Path) -> list[Path]:
    """Return the kept results in the order in which they were made."""
    results = (build / "steps").iterdir()
    return sorted(results, key=lambda it: (it / sums.FILE).stat().st_mtime_ns)
