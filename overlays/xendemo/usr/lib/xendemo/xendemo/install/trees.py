"""Copies a folder's files with owners, modes, links, times and attributes.

No program does it: files may be replaced, and all of it may have to be taken back.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from xendemo.errors import Failure
from xendemo.install.journal import Journal, attributes
from xendemo.install.steps import Tree, aside

At = Callable[[int, int], None]  # told bytes done, and bytes in all
PIECE = 4 << 20


@dataclass
class Folder:
    """A folder of the source, and what of it is to be copied.

    Args:
        path: below the source, "" for itself.
        files: names of entries that are no folders, and their states.
    """

    path: str
    status: os.stat_result
    size: int = 0
    files: list[tuple[str, os.stat_result]] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)

    def walk(self) -> Iterator[Folder]:
        """Walk it and all folders in it, outer ones first."""
        yield self
        for folder in self.folders:
            yield from folder.walk()


def survey(source: str, exclude: Sequence[str]) -> Folder:
    """Look at all that is to be copied.

    Args:
        source: the folder.
        exclude: patterns of paths below it that are left out, with all below them.
    """
    out = re.compile("|".join(fnmatch.translate(p.strip("/")) for p in exclude) or r"(?!)").match

    def look(path: str, status: os.stat_result) -> Folder:
        folder = Folder(path, status)
        with os.scandir(f"{source}/{path}") as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                below = f"{path}/{entry.name}" if path else entry.name
                if out(below):
                    continue
                state = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(state.st_mode):
                    inner = look(below, state)
                    folder.folders.append(inner)
                    folder.size += inner.size
                else:
                    folder.files.append((entry.name, state))
                    folder.size += state.st_size if stat.S_ISREG(state.st_mode) else 0
        return folder

    return look("", os.stat(source))


def copy(step: Tree, journal: Journal, at: At) -> None:
    """Copy a tree.

    Raises:
        Failure, OSError: it cannot be done.
    """
    if not os.path.isdir(step.source):
        raise Failure(f"{step.source} is no folder")
    top = survey(step.source, step.exclude)
    journal.folder(step.path)
    _Copying(step, journal, at, top.size).copy(top)


class _Copying:
    """A copy that replaces what is in its way, and can be taken back."""

    def __init__(self, step: Tree, journal: Journal, at: At, total: int) -> None:
        self._step, self._journal, self._at = step, journal, at
        self._done, self._total = 0, total
        self._links: dict[tuple[int, int], str] = {}

    def copy(self, top: Folder) -> None:
        folders = list(top.walk())
        for folder in folders:
            target = os.path.join(self._step.path, folder.path).rstrip("/")
            self._make_room(target)
            self._journal.folder(target)
            for name, state in folder.files:
                source = os.path.join(self._step.source, folder.path, name)
                self._entry(source, f"{target}/{name}", state)
        for folder in reversed(folders):
            source = os.path.join(self._step.source, folder.path)
            _dress(source, os.path.join(self._step.path, folder.path), folder.status)

    def _make_room(self, folder: str) -> None:
        """Take away what is no folder where a folder of this layer comes."""
        if os.path.islink(folder) or (os.path.lexists(folder) and not os.path.isdir(folder)):
            self._clash(folder)
            self._journal.remove(folder)

    def _clash(self, path: str) -> None:
        if not self._step.layered:
            raise Failure(f"{path} is there already, and is something else",
                          "move it out of the way")  # fmt: skip

    def _entry(self, source: str, path: str, state: os.stat_result) -> None:
        if os.path.isdir(path) and not os.path.islink(path):
            self._clash(path)
            self._journal.remove(path)  # fails unless it is empty
        key = (state.st_dev, state.st_ino)
        new = aside(path)[0]
        if os.path.lexists(new):
            os.unlink(new)  # left by one that was killed
        try:
            if state.st_nlink > 1 and key in self._links:
                os.link(self._links[key], new, follow_symlinks=False)
            else:
                self._make(source, new, state)
                self._links[key] = path
            self._journal.place(new, path)
        except BaseException:
            if os.path.lexists(new):
                os.unlink(new)
            raise

    def _make(self, source: str, new: str, state: os.stat_result) -> None:
        if stat.S_ISREG(state.st_mode):
            self._content(source, new)
        elif stat.S_ISLNK(state.st_mode):
            os.symlink(os.readlink(source), new)
        else:
            os.mknod(new, state.st_mode, state.st_rdev)
        _dress(source, new, state)

    def _content(self, source: str, new: str) -> None:
        with open(source, "rb") as old, open(new, "xb", buffering=0) as file:
            while sent := os.sendfile(file.fileno(), old.fileno(), None, PIECE):
                self._done += sent
                self._at(self._done, self._total)


def _dress(source: str, path: str, state: os.stat_result) -> None:
    """Give a copy the owner, mode, attributes and times of its source, in the order that works."""
    link = stat.S_ISLNK(state.st_mode)
    os.chown(path, state.st_uid, state.st_gid, follow_symlinks=False)
    if not link:
        os.chmod(path, stat.S_IMODE(state.st_mode))
    for name in attributes(source):
        os.setxattr(path, name, os.getxattr(source, name, follow_symlinks=False),
                    follow_symlinks=False)  # fmt: skip
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns), follow_symlinks=False)
