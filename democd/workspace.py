"""The build folder: kept results under a hash of their inputs, and scratch space.

Layout of `build/`::

    lock            held while a build works in here
    steps/NAME-KEY/ the result of step NAME for the inputs hashed to KEY
    tmp/            results in the making; emptied when a build starts

A result appears by rename, so what is in `steps/` is always whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd.errors import BuildError
from democd.host.run import mount_points, run

KEPT_PER_STEP = 4
GENERATION = ".generation"
"""In a result made anew from the same inputs: tells it from the one before, so that all that was
made from that one is made again."""


@dataclass(frozen=True)
class Made:
    """A kept result: its folder, and the key that stands for all it was made from."""

    path: Path
    key: str


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def kept_digest(path: Path) -> str:
    """Return the SHA-256 of a file in a kept result: it is read once, until its time changes.

    The digest lies beside the file, and goes with the result.
    """
    known = _digest_file(path)
    if known.is_file():
        digest, _, of = known.read_text().partition(" ")
        if of == _stamp(path):
            return digest
    digest = file_digest(path)
    keep_digest(path, digest)
    return digest


def keep_digest(path: Path, digest: str) -> None:
    """Put the SHA-256 of a file by, for `kept_digest`."""
    known = _digest_file(path)
    new = known.with_name(f"{known.name}.new")
    new.write_text(f"{digest} {_stamp(path)}")
    new.replace(known)


def _digest_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def tree(top: Path) -> list[Path]:
    """Return all that lies below `top`, sorted; but not what Python leaves beside its modules.

    A checkout whose programs have been run makes the same disc.
    """
    return sorted(path for path in top.rglob("*") if "__pycache__" not in path.parts)


def tree_digest(top: Path) -> str:
    """Return the SHA-256 over names, modes and contents of all below `top`.

    Only the execute bits of a mode count: the umask of a checkout must not change a build.
    """
    digest = hashlib.sha256()
    for path in tree(top):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            entry = ["link", name, str(path.readlink())]
        elif path.is_dir():
            entry = ["dir", name]
        else:
            executable = bool(path.stat().st_mode & 0o100)
            entry = ["file", name, str(executable), file_digest(path)]
        digest.update(json.dumps(entry).encode())
    return digest.hexdigest()


def _canonical(value: Any) -> Any:
    """Turn an input into JSON: files and folders stand for their content."""
    if isinstance(value, Made):
        return ["made", value.key]
    if isinstance(value, Path):
        return ["tree", tree_digest(value)] if value.is_dir() else ["file", file_digest(value)]
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"not an input a step can be keyed by: {value!r}")


def key_of(inputs: Mapping[str, Any]) -> str:
    """Return the 20-digit hexadecimal key of a step's inputs.

    Values may be JSON values, `Made` results, and paths, which count by content.
    """
    text = json.dumps(_canonical(inputs), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class Workspace:
    """The folder everything is built in; nothing outside it and the output is touched.

    Args:
        folder: the build folder.
        wait: wait for a build that is at work in it, in place of refusing.
    """

    def __init__(self, folder: Path, *, wait: bool = False) -> None:
        self.folder = folder.resolve()
        self.wait = wait
        self.steps = self.folder / "steps"
        self.tmp = self.folder / "tmp"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the build folder for one build, and clear what a killed one left.

        Raises:
            BuildError: another build works in this folder.
        """
        self.steps.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if self.wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise BuildError(
                    f"another build is at work in {self.folder}",
                    "wait for it, or choose another folder with --build-dir",
                ) from None
            self.clear_tmp()
            try:
                yield
            finally:
                self.clear_tmp()

    def clear_tmp(self) -> None:
        """Empty the scratch space; first of mounts, which a build killed in a chroot can leave."""
        for point in reversed(mount_points()):
            if Path(point).is_relative_to(self.tmp):
                run(["umount", "--lazy", point])
        shutil.rmtree(self.tmp, ignore_errors=True)
        if self.tmp.exists():
            # What a killed unprivileged build left belongs to the user's subordinate ids in part;
            # only in a namespace that maps them may the user remove it.
            run(["rm", "-rf", self.tmp], contained=True)
        self.tmp.mkdir(parents=True, exist_ok=True)

    def step(
        self,
        name: str,
        inputs: Mapping[str, Any],
        make: Callable[[Path], None],
        *,
        anew: bool = False,
    ) -> Made:
        """Return the kept result of a step, making it first where there is none.

        Args:
            name: the step, as in the folder's name.
            inputs: everything the result depends on; see `key_of`.
            make: fills the empty folder it is given; leaves nothing else behind.
            anew: make it again even if it is there.
        """
        key = key_of(inputs)
        target = self.steps / f"{name}-{key}"
        if anew or not target.is_dir():
            scratch = self.tmp / f"{name}-{key}"
            scratch.mkdir(parents=True)
            make(scratch)
            if anew:
                (scratch / GENERATION).write_text(secrets.token_hex(8))
            self._discard(target)
            scratch.rename(target)
        os.utime(target)
        self._prune(name)
        generation = target / GENERATION
        return Made(target, key + (generation.read_text() if generation.exists() else ""))

    def keeps(self, name: str, inputs: Mapping[str, Any]) -> bool:
        """Return whether the result of a step for these inputs is there already."""
        return (self.steps / f"{name}-{key_of(inputs)}").is_dir()

    def _discard(self, result: Path) -> None:
        """Remove a kept result; killed in the middle, this leaves no half of it among the kept."""
        if result.is_dir():
            grave = Path(tempfile.mkdtemp(dir=self.tmp))
            result.rename(grave / result.name)
            shutil.rmtree(grave, ignore_errors=True)

    def _prune(self, name: str) -> None:
        """Keep the last few results of a step; the one in use is always the newest."""
        kept = [
            path for path in self.steps.glob(f"{name}-*") if path.name.rsplit("-", 1)[0] == name
        ]
        kept.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[KEPT_PER_STEP:]:
            self._discard(path)
