"""Carries out a plan: each step checked, everything logged, and taken back or told if it fails."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import time
from collections.abc import Iterator

from xendemo import run
from xendemo.errors import Failure, Interrupted
from xendemo.install import trees
from xendemo.install.journal import Journal, create, dress, flush, flush_folder
from xendemo.install.log import Log
from xendemo.install.mounts import Mounts
from xendemo.install.progress import Progress
from xendemo.install.steps import Copy, Plan, Remove, Run, Step, Tree, Unpack, Write, aside

PIECE = 4 << 20
REASONS = {
    errno.ENOSPC: ("no space is left", "make room there, and start again"),
    errno.EDQUOT: ("the quota is used up", "make room there, and start again"),
    errno.EIO: ("the device has input or output errors", "see dmesg; the device may be broken"),
    errno.EROFS: ("the file system is read-only", "see dmesg: after errors, Linux makes it so"),
}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def perform(plan: Plan, progress: Progress, log: Log) -> list[str]:
    """Carry out a plan.

    Returns:
        Warnings: what did not work and does no harm.

    Raises:
        Failure: a step failed; says which, why, and what state things are in.
        Interrupted: somebody stopped us; likewise.
    """
    return _Work(plan, progress, log).all()


class _Work:
    def __init__(self, plan: Plan, progress: Progress, log: Log) -> None:
        self._plan, self._progress, self._log = plan, progress, log
        self._journal = Journal(plan.undo)
        self._mounts = Mounts(log)
        self._warnings: list[str] = []
        self._where = ""  # the step that we are at

    def all(self) -> list[str]:
        self._log.say(self._plan.title)
        try:
            try:
                for number, step in enumerate(self._plan.steps, 1):
                    self._where = f"step {number} of {len(self._plan.steps)}, {step.words}"
                    self._begin(step)
                self._where = "writing everything to the disk"
                self._flush()
            except BaseException as error:
                raise self._failed(error) from error
            with _undisturbed():
                self._journal.forget()
                self._keep_log()
        finally:
            with _undisturbed():
                self._warnings += self._mounts.unmount()
        self._log.say("done")
        return self._warnings

    def _begin(self, step: Step) -> None:
        self._progress.begin(step.words)
        self._log.say(f"{step.words}: {step.command()}")
        began = time.monotonic()
        try:
            self._act(step)
        except Failure as failure:
            if not (isinstance(step, Run) and step.harmless):
                raise
            message, hint = failure.pairs[0]
            self._warnings.append(f"{step.words}: {message}" + (f"\n{hint}" if hint else ""))
        self._progress.end()
        self._log.say(f"took {time.monotonic() - began:.1f} s")

    def _act(self, step: Step) -> None:
        if isinstance(step, Run):
            self._run(step)
        elif isinstance(step, Write):
            self._write(step)
        elif isinstance(step, Copy):
            self._copy(step)
        elif isinstance(step, Tree):
            trees.copy(step, self._journal, self._progress.at)
            if self._plan.undo:
                self._flush_one(step.path)  # what refers to it comes later, on the disk as well
        elif isinstance(step, Unpack):
            self._unpack(step)
        elif isinstance(step, Remove):
            if os.path.lexists(step.path):
                self._journal.remove(step.path)
            else:
                self._log.say(f"{step.path} was not there")
        else:
            self._mounts.mount(step)

    def _run(self, step: Run) -> None:
        for path in step.changes:
            self._journal.spare(path)
        if step.undo:
            self._journal.note(f"run {' '.join(step.undo)}", lambda: self._take_back(step.undo))
        done = run.watch(*step.argv, given=step.given)
        self._log.output(done.out)
        if done.status:
            self._log.say(f"status {done.status}")
            raise Failure(f"{step.argv[0]} failed with status {done.status}", done.last())
        for path in filter(os.path.isfile, step.changes):
            flush(path)  # what it wrote is compared with later, after a power cut as well

    def _unpack(self, step: Unpack) -> None:
        before = os.statvfs(step.path)

        def tick() -> None:
            now = os.statvfs(step.path)
            self._progress.at(max(0, before.f_bfree - now.f_bfree) * now.f_frsize, step.size)

        done = run.watch(*step.argv(), tick=tick)
        self._log.output(done.out)
        if done.status:
            raise Failure(f"unsquashfs failed with status {done.status}", done.last())

    def _take_back(self, argv: tuple[str, ...]) -> None:
        self._log.say(f"take back: {' '.join(argv)}")
        done = run.watch(*argv)
        self._log.output(done.out)
        if done.status:
            raise Failure(f"status {done.status}: {done.last()}")

    def _write(self, step: Write) -> None:
        with self._new(step) as number:
            view = memoryview(step.data)
            while view:
                view = view[os.write(number, view) :]

    def _copy(self, step: Copy) -> None:
        with open(step.source, "rb", buffering=0) as source:
            total = step.size
            if total < 0:
                total = source.seek(0, os.SEEK_END)
                source.seek(0)
            self._need_room(step.path, total)
            with self._new(step) as number:
                done = 0
                while done < total:
                    sent = os.sendfile(number, source.fileno(), None, min(PIECE, total - done))
                    if not sent:
                        raise Failure(f"{step.source} ends after {done} bytes of {total}",
                                      "it is not whole; compare its SHA-256 sum")  # fmt: skip
                    done += sent
                    self._progress.at(done, total)
                if step.keep:
                    dress(number, step.source)

    def _need_room(self, path: str, size: int) -> None:
        """Tell at once that a large file does not fit, and not after having filled the disk."""
        folder = os.path.dirname(path)
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        free = os.statvfs(folder)
        if free.f_bavail * free.f_frsize < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    @contextlib.contextmanager
    def _new(self, step: Write | Copy) -> Iterator[int]:
        """Give a file that gets its name when it is whole, and is on the disk when we return."""
        path = step.path
        self._journal.folder(os.path.dirname(path))
        new = aside(path)[0]
        try:
            number = create(new, path, step.mode)
            try:
                yield number
                os.fsync(number)
            finally:
                os.close(number)
            self._place(new, path, step.menu)
        except OSError as error:
            error.filename = error.filename or path
            raise
        finally:
            with contextlib.suppress(OSError):
                os.unlink(new)

    def _place(self, new: str, path: str, menu: bool) -> None:
        """Give a finished file its name, on the disk as well."""
        folder = os.path.dirname(path)
        if menu:
            self._flush_one(folder)  # the new one must be found as soon as the name leads to it
        self._journal.place(new, path, keep=menu)
        flush_folder(folder)
        if menu and not self._plan.undo:
            self._flush_one(folder)  # the old one must be found as long as the name leads to it
            self._journal.forget()

    # --- the end ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Have all that was written on the disk, and hear of it if it is not."""
        paths = {_folder_of(step.path) for step in self._plan.steps
                 if isinstance(step, (Write, Copy, Tree, Remove))}  # fmt: skip
        paths |= set(self._mounts.written())
        # One call for each file system, not for each folder.
        for path in {os.stat(path).st_dev: path for path in sorted(paths)}.values():
            self._flush_one(path)

    def _flush_one(self, path: str) -> None:
        done = run.watch("sync", "-f", path, brief=True)
        if done.status:
            raise Failure(f"what was written to {path} is not all on the disk", done.last())

    def _failed(self, error: BaseException) -> BaseException:
        """Take back what can be, and return what is told."""
        with _undisturbed():
            state = self._state()
            if isinstance(error, (KeyboardInterrupt, Interrupted)):
                self._log.say(f"interrupted at {self._where}")
                return Interrupted(f"interrupted at {self._where}\n{state}")
            if isinstance(error, Failure):
                message, hint = error.pairs[0]
            elif isinstance(error, OSError):
                message, hint = explain(error)
            else:
                self._log.say(f"a mistake of ours: {error!r}")
                return error
            self._log.say(f"failed at {self._where}: {message}")
            self._keep_log(failed=True)
            lines = [hint, state, f"the log is {self._log.path}"]
            return Failure(f"{self._where}: {message}", "\n".join(filter(None, lines)))

    def _state(self) -> str:
        if not self._plan.undo:
            return self._plan.ruin
        self._log.say("putting everything back")
        troubles = self._journal.undo()
        for trouble in troubles:
            self._log.say(trouble)
        if troubles:
            return "\n".join(["not everything could be put back:", *troubles])
        return "everything has been put back as it was"

    def _keep_log(self, *, failed: bool = False) -> None:
        """Put the log on the target, unless that is to be as it was before."""
        path = self._plan.log
        if not path or (failed and (self._plan.undo or not os.path.isdir(os.path.dirname(path)))):
            return
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb", opener=_private) as file:
                file.write(self._log.text())
                file.flush()
                os.fsync(file.fileno())


def explain(error: OSError) -> tuple[str, str]:
    """Return a failure of the system as a message and its hint."""
    reason, hint = REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
    name = error.filename2 or error.filename
    return f"{name}: {reason}" if name else reason, hint


def _folder_of(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _private(path: str, flags: int) -> int:
    number = os.open(path, flags, 0o640)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "not a file", path)
    return number


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no signal stop us while we tidy up."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
