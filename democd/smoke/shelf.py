"""The discs of smoke runs: the last few are kept, and none goes while a run boots from it."""

from __future__ import annotations

import fcntl
import shutil
from contextlib import ExitStack
from pathlib import Path

KEPT = 4


def take(top: Path, key: str, stack: ExitStack) -> Path:
    """Return a folder that only discs of the same parts share, for as long as the stack lasts.

    The next run finds most of its disc's parts there, and a person can boot what has failed.

    Args:
        top: of all such folders.
        key: what the disc is made of.
        stack: lets go of the folder when it is closed.
    """
    top.mkdir(parents=True, exist_ok=True)
    with (top / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time takes, and throws away
        use = stack.enter_context(_use_of(top / key).open("a"))
        fcntl.flock(use, fcntl.LOCK_SH)
        folders = [path for path in top.iterdir() if path.is_dir() and path.name != key]
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in folders[KEPT - 1 :]:
            _throw_away(path)
    return top / key


def _throw_away(folder: Path) -> None:
    with _use_of(folder).open("a") as use:
        try:
            fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # a run boots from it
        shutil.rmtree(folder, ignore_errors=True)
        _use_of(folder).unlink()


def _use_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.use")
