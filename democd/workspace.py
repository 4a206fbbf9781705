"""The build folder: kept results under a hash of their inputs, and scratch space.

Layout of `build/`::

    lock            held while a build works in here
    steps/NAME-KEY/ the result of step NAME for the inputs hashed to KEY
    tmp/            results in the making; emptied when a build starts

A result appears by rename, with the sums of its files. They are compared whenever it is used: what
is in `steps/` was whole once, and a disk may have lost it since.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from democd import sums
from democd.errors import BuildError
from democd.host import room
from democd.host.run import mount_points, run
from democd.inputs import Made, key_of, made_in
from democd.sums import DamagedError

KEPT_PER_STEP = 4
IN_ALL = "a build of the full disc takes about 4 GB in all"
P = ParamSpec("P")
T = TypeVar("T")


def mended(build: Callable[P, T]) -> Callable[P, T]:
    """Let a build start over when a kept result has turned out damaged, and was dropped.

    It takes what is whole from the kept results then. The same result twice ends it.
    """

    @functools.wraps(build)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        while True:
            try:
                return build(*args, **kwargs)
            except DamagedError:
                pass

    return again


class Workspace:
    """The folder everything is built in; nothing outside it and the output is touched.

    Args:
        folder: the build folder.
        wait: wait for a build that is at work in it, in place of refusing.
        say: told in a line what a person should know of: damage, waiting.
    """

    def __init__(
        self, folder: Path, *, wait: bool = False, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.folder = folder.resolve()
        self.wait = wait
        self.say = say
        self.steps = self.folder / "steps"
        self.tmp = self.folder / "tmp"
        self._dropped: set[Path] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the build folder for one build, and clear what a killed one left.

        A result that turns out damaged meanwhile is dropped; see `mended`.

        Raises:
            BuildError: another build works in this folder.
        """
        self.steps.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not self.wait:
                    raise BuildError(
                        f"another build is at work in {self.folder}",
                        "wait for it, or choose another folder with --build-dir",
                    ) from None
                self.say(f"waiting for another build in {self.folder}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            self.clear_tmp()
            try:
                with room.watched(self.folder, "the build", IN_ALL, "--build-dir"):
                    yield
            except DamagedError as error:
                self._drop(error)
                raise
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
        later: Sequence[str] = (),
    ) -> Made:
        """Return the kept result of a step, making it first where there is none that is whole.

        Args:
            name: the step, as in the folder's name.
            inputs: everything the result depends on; see `key_of`.
            make: fills the empty folder it is given; leaves nothing else behind.
            anew: make it again even if it is there.
            later: starts of paths in the result that are only read to make further results. They
                are compared with their sums not before one is made.

        Raises:
            DamagedError: a result among the inputs is damaged; see `mended`.
            FullError: there is no room for the result.
        """
        key = key_of(inputs)
        target = self.steps / f"{name}-{key}"
        there = None if anew else self._whole(target)
        if there is None:
            for made in made_in(inputs):
                self.check(made)
            with room.watched(self.folder, name, self._need(name), "--build-dir"):
                scratch = self.tmp / f"{name}-{key}"
                scratch.mkdir(parents=True)
                make(scratch)
                there = sums.write(scratch, later)
                self._discard(target)
                self._appear(scratch, target)
        os.utime(target)
        self._prune(name)
        return Made(target, f"{key} {there.content()}")

    def keeps(self, name: str, inputs: Mapping[str, Any]) -> bool:
        """Return whether the result of a step for these inputs is there already, and whole."""
        return self._whole(self.steps / f"{name}-{key_of(inputs)}") is not None

    def check(self, made: Made) -> None:
        """Compare all of a kept result with its sums, which must be before something is made of it.

        Raises:
            DamagedError: it is damaged; see `mended`.
        """
        if made.path.is_relative_to(self.steps):  # else it is none of ours
            sums.check(made.path, whole=True)

    def _whole(self, result: Path) -> sums.Sums | None:
        """Return what is in a kept result, if it is there and whole; a damaged one is dropped."""
        if not os.path.lexists(result):
            return None
        try:
            return sums.check(result)
        except DamagedError as error:
            self._drop(error)
            return None

    def _drop(self, error: DamagedError) -> None:
        if error.result in self._dropped:
            raise BuildError(
                f"{error.result} is damaged once more: {error.what}",
                "it was made again a moment ago: see to the disk, and the memory, of this machine",
            ) from error
        self._dropped.add(error.result)
        self.say(f"damaged: {error.result.name} ({error.what}); it is dropped, and made again")
        self._discard(error.result)

    def _need(self, name: str) -> str:
        """Return what is known of the room that a step takes."""
        for result in self._kept(name):
            try:
                size = sums.read(result).size()
            except (DamagedError, OSError):
                continue
            return f"the last result of this step has {room.mb(size)}; {IN_ALL}"
        return IN_ALL

    def _appear(self, scratch: Path, target: Path) -> None:
        try:
            scratch.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise BuildError(
                f"{self.tmp} and {self.steps} are on two file systems, and a result cannot be "
                "moved in one go",
                "let both be folders of one; the build folder as a whole may be anywhere",
            ) from error

    def _discard(self, result: Path) -> None:
        """Remove a kept result; killed in the middle, this leaves no half of it among the kept."""
        if os.path.lexists(result):
            # By a rename alone: on a full disk there is no room for a new folder.
            grave = self.tmp / f"{result.name}.{secrets.token_hex(4)}"
            result.rename(grave)
            if grave.is_dir() and not grave.is_symlink():
                shutil.rmtree(grave, ignore_errors=True)
            else:
                grave.unlink()

    def _prune(self, name: str) -> None:
        """Keep the last few results of a step; the one in use is always the newest."""
        for path in self._kept(name)[KEPT_PER_STEP:]:
            self._discard(path)

    def _kept(self, name: str) -> list[Path]:
        """Return the results of a step, the newest first."""
        kept = [
            path for path in self.steps.glob(f"{name}-*") if path.name.rsplit("-", 1)[0] == name
        ]
        return sorted(kept, key=lambda path: path.lstat().st_mtime, reverse=True)
