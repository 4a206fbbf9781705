"""Changes of files, each whole or not at all, and the record that takes them back.

What was there before is kept beside it under a hidden name, so that a generator that reads a whole
folder (/etc/grub.d) does not take it for one of its own. A change is noted before it is made, so
that it can be taken back wherever we are interrupted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass

from xendemo.install.steps import aside

Undo = Callable[[], None]


@dataclass
class _Folder:
    path: str
    times: tuple[int, int]


class Journal:
    """What was changed.

    Args:
        keeps: what is replaced or removed is kept until `forget`, so that `undo` can put it back.
    """

    def __init__(self, keeps: bool) -> None:
        self.keeps = keeps
        self._undo: list[tuple[str, Undo]] = []
        self._kept: list[str] = []
        self._folders: dict[str, _Folder] = {}

    def note(self, words: str, undo: Undo) -> None:
        """Note how something is taken back that is about to be done."""
        if self.keeps:
            self._undo.append((words, undo))

    def folder(self, path: str) -> None:
        """Make a folder and those above it, where they are missing, to put something there."""
        self._touch(f"{path}/")  # before a new file comes in, under whichever name
        missing = []
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path) or "."
        for name in reversed(missing):
            self._touch(name)
            self.note(f"remove {name}", lambda name=name: _remove_folder(name))  # type: ignore[misc]
            os.mkdir(name, 0o755)
            os.chmod(name, 0o755)  # whatever the umask is
            flush_folder(os.path.dirname(name))

    def place(self, new: str, path: str, *, keep: bool = False) -> None:
        """Give a finished file its name; what has the name is kept, by `keep` in any case."""
        self._touch(path)
        if os.path.lexists(path):
            if self.keeps or keep:
                self._keep(path)
        else:
            self.note(f"remove {path}", lambda: _remove(path))
        os.replace(new, path)

    def remove(self, path: str) -> None:
        """Take a file, a link or an empty folder away."""
        self._touch(path)
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            self.note(f"make {path} again", lambda: _make_again(path, status))
            os.rmdir(path)
        else:
            if self.keeps:
                self._keep(path)
            os.unlink(path)
        flush_folder(os.path.dirname(path))

    def spare(self, path: str) -> None:
        """Keep a copy of a file that a program is about to write anew, maybe in place."""
        self._touch(path)
        if not os.path.lexists(path):
            self.note(f"remove {path}", lambda: _remove(path))
        elif self.keeps:
            old = self._note_kept(path)
            duplicate(path, f"{old}~")
            os.replace(f"{old}~", old)

    def forget(self) -> None:
        """Let go of what was kept: the change is to stay."""
        for old in self._kept:
            with contextlib.suppress(FileNotFoundError):
                times = _times(os.path.dirname(old))
                os.unlink(old)
                _set_times(os.path.dirname(old), times)
        self._undo, self._kept, self._folders = [], [], {}

    def undo(self) -> list[str]:
        """Put all back as it was, newest first; return what could not be, and why."""
        troubles = []
        for words, undo in reversed(self._undo):
            try:
                undo()
            except Exception as error:
                troubles.append(f"could not {words}: {error}")
        for folder in self._folders.values():
            if os.path.isdir(folder.path):
                with contextlib.suppress(OSError):
                    flush_folder(folder.path)
                    _set_times(folder.path, folder.times)
        self._undo, self._kept, self._folders = [], [], {}
        return troubles

    def _touch(self, path: str) -> None:
        """Note the times of the folder that something is changed in."""
        folder = os.path.dirname(path)
        if self.keeps and folder not in self._folders and os.path.isdir(folder):
            self._folders[folder] = _Folder(folder, _times(folder))

    def _keep(self, path: str) -> None:
        old = self._note_kept(path)
        try:
            os.link(path, old, follow_symlinks=False)
        except OSError:  # no hard links: a FAT file system
            duplicate(path, f"{old}~")
            os.replace(f"{old}~", old)

    def _note_kept(self, path: str) -> str:
        """Return where a file is about to be kept, and note that it is to be put back."""
        old = aside(path)[1]
        for left in (old, f"{old}~"):  # by one that was killed
            with contextlib.suppress(FileNotFoundError):
                os.unlink(left)
        self._kept.append(old)
        self.note(f"put {path} back", lambda: _put_back(old, path))
        return old


def create(path: str, like: str, mode: int) -> int:
    """Open a new file; where there is a file at `like`, with its owner and attributes.

    Returns:
        Its descriptor.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # left by one that was killed
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if os.path.isfile(like) and not os.path.islink(like):
            status = os.stat(like)
            with contextlib.suppress(OSError):  # FAT has none of them
                os.fchown(number, status.st_uid, status.st_gid)
            for name in attributes(like):
                with contextlib.suppress(OSError):
                    os.setxattr(number, name, os.getxattr(like, name))
        with contextlib.suppress(PermissionError):  # FAT again
            os.fchmod(number, mode)
    except BaseException:
        os.close(number)
        raise
    return number


def dress(number: int, source: str) -> None:
    """Give an open file the owner, mode, attributes and times of another."""
    status = os.stat(source)
    with contextlib.suppress(PermissionError):  # FAT has no owners
        os.fchown(number, status.st_uid, status.st_gid)
    with contextlib.suppress(PermissionError):
        os.fchmod(number, stat.S_IMODE(status.st_mode))  # chown takes the set-uid bit away
    for name in attributes(source):
        with contextlib.suppress(OSError):
            os.setxattr(number, name, os.getxattr(source, name))
    os.utime(number, ns=(status.st_atime_ns, status.st_mtime_ns))


def duplicate(path: str, copy: str) -> None:
    """Copy a file or link with all that it has: owner, mode, times, extended attributes."""
    shutil.copy2(path, copy, follow_symlinks=False)
    status = os.lstat(path)
    with contextlib.suppress(PermissionError):  # FAT has no owners
        os.chown(copy, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        with contextlib.suppress(PermissionError):
            os.chmod(copy, stat.S_IMODE(status.st_mode))  # chown takes the set-uid bit away
        flush(copy)


def attributes(path: str) -> list[str]:
    """Return the names of extended attributes; none where the file system has no such thing."""
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError:
        return []


def flush(path: str) -> None:
    """Have a file's content on the disk."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def flush_folder(path: str) -> None:
    """Have a folder's names on the disk."""
    with contextlib.suppress(FileNotFoundError):
        flush(path or ".")


def _times(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_atime_ns, status.st_mtime_ns


def _set_times(path: str, times: tuple[int, int]) -> None:
    os.utime(path, ns=times)


def _put_back(old: str, path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{old}~")  # a copy that was being made
    if not os.path.lexists(old):
        return
    if os.path.lexists(path) and os.path.samestat(os.lstat(old), os.lstat(path)):
        os.unlink(old)  # rename(2) does nothing for two names of one file
    else:
        os.replace(old, path)
    flush_folder(os.path.dirname(path))


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        flush_folder(os.path.dirname(path))


def _remove_folder(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(path)
        flush_folder(os.path.dirname(path))


def _make_again(path: str, status: os.stat_result) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, stat.S_IMODE(status.st_mode))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
