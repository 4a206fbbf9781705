"""Mounts that last as long as a plan is carried out."""

from __future__ import annotations

import contextlib
import os
import time

from xendemo import run
from xendemo.errors import Failure
from xendemo.install.log import Log
from xendemo.install.steps import Mount

PATIENCE = 20  # times half a second that a mount may still be busy


class Mounts:
    """What is mounted by us."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._mounts: list[Mount] = []
        self._made: list[str] = []  # folders to mount at

    def mount(self, step: Mount) -> None:
        """Mount something.

        Raises:
            Failure: it cannot be mounted.
        """
        self._folder(step.path)
        if mounted(step.path):
            raise Failure(f"something is mounted at {step.path} already", f"umount {step.path}")
        self._mounts.append(step)  # before it is done: we may be interrupted right behind it
        done = run.watch("mount", *step.flags(), step.what, step.path)
        self._log.output(done.out)
        if done.status:
            raise Failure(f"mount failed with status {done.status}", done.last())
        if "rbind" in step.options:
            # Unmounting it must not reach the mounts that it was made of.
            run.watch("mount", "--make-rslave", step.path)

    def written(self) -> list[str]:
        """Return where file systems are mounted that may have been written to."""
        return [
            mount.path
            for mount in self._mounts
            if mount.what.startswith("/dev/") and "ro" not in mount.options.split(",")
        ]

    def unmount(self) -> list[str]:
        """Unmount all, the last one first; return what could not be yet."""
        warnings = []
        for mount in reversed(self._mounts):
            for _ in range(PATIENCE):
                if not mounted(mount.path):
                    break
                deep = ("-R",) if "rbind" in mount.options else ()
                done = run.watch("umount", *deep, mount.path)
                self._log.say(f"umount {mount.path}: status {done.status} {done.out.strip()}")
                if done.status:
                    time.sleep(0.5)
            if mounted(mount.path):
                run.watch("umount", "-l", mount.path)
                warnings.append(f"{mount.path} was busy: it goes when it is not")
        for path in reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        return warnings

    def _folder(self, path: str) -> None:
        missing = []
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for name in reversed(missing):
            self._made.append(name)
            os.mkdir(name)


def mounted(path: str) -> bool:
    """Tell whether something is mounted at a folder; a bind mount is as well (proc(5))."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = {line.split(" ")[4] for line in file}
    escaped = os.path.realpath(path).replace("\\", r"\134").replace(" ", r"\040")
    return escaped.replace("\t", r"\011").replace("\n", r"\012") in points
