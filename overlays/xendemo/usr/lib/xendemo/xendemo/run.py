"""The one door to other programs: argument lists, a fixed environment, failures told once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from xendemo.errors import Failure

if TYPE_CHECKING:
    from subprocess import Popen

SHOWN = 6  # lines of a failed program that are told
TICK = 0.25  # seconds between looks at a program that runs
GRACE = 10  # seconds that a program has to end itself
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Done:
    """What became of a program: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    def last(self) -> str:
        """Return the last lines that it wrote, complaints first of all."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return "\n".join(lines[-SHOWN:])


def run(*argv: str, given: str = "", group: bool = False) -> Done:
    """Run a program to its end.

    Args:
        argv: the program and its arguments.
        given: what it reads on its standard input.
        group: keep it out of our process group, so that Ctrl-C reaches us alone.

    Raises:
        Failure: there is no such program.
    """
    import subprocess

    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment(),
            process_group=0 if group else None,
        )
    except FileNotFoundError:
        raise Failure(f"there is no program {argv[0]}", "it belongs to the role dom0") from None
    out, err = child.communicate(given)
    return Done(child.returncode, out, err)


def check(*argv: str, given: str = "") -> str:
    """Run a program that must succeed, and return what it wrote.

    Raises:
        Failure: it did not; with the command and its last lines.
    """
    done = run(*argv, given=given)
    if done.status:
        raise Failure(f"{' '.join(argv)}: failed with status {done.status}", done.last())
    return done.out


def finish(*argv: str) -> tuple[Done, bool]:
    """Run a program that must not be stopped halfway, and say whether somebody wanted to.

    Signals that ask us to end are put off until the program is through.
    """
    wanted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal wanted
        wanted = True

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [(number, signal.signal(number, note)) for number in numbers]
    try:
        return run(*argv, group=True), wanted
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def watch(
    *argv: str,
    given: str = "",
    tick: Callable[[], None] | None = None,
    brief: bool = False,
    into: BinaryIO | None = None,
) -> Done:
    """Run a program that may take long, and end it when we are asked to end, or are killed.

    Args:
        argv: the program and its arguments.
        given: what it reads on its standard input.
        tick: called now and then while it runs.
        brief: it changes no file and ends by itself, so it need not die with us.
        into: an unbuffered file that gets what it writes, which may be much.

    Returns:
        Its status, and as `out` all that it wrote, complaints too, in the order of writing; ""
        if that went into a file.

    Raises:
        Failure: there is no such program.
    """
    import subprocess
    import tempfile

    with (
        os.fdopen(os.memfd_create("given"), "w+", encoding="utf-8") as stdin,
        tempfile.TemporaryFile(buffering=0) as kept,
    ):
        output = into or kept
        stdin.write(given)
        stdin.flush()
        stdin.seek(0)
        try:
            # Ctrl-C must reach us alone: we decide what becomes of the program.
            child = subprocess.Popen(argv, stdin=stdin, stdout=output, stderr=output,
                                     env=environment(), process_group=0,
                                     preexec_fn=None if brief else _dies_with_us())  # fmt: skip
        except FileNotFoundError:
            raise Failure(f"there is no program {argv[0]}", "install it first") from None
        except PermissionError:
            raise Failure(f"{argv[0]} is no program that can be run") from None
        try:
            while True:
                try:
                    child.wait(TICK)
                    break
                except subprocess.TimeoutExpired:
                    if tick:
                        tick()
        except BaseException:
            _end_group(child)
            raise
        kept.seek(0)
        return Done(child.returncode, kept.read().decode("utf-8", "replace"), "")


def in_front(*argv: str) -> int:
    """Run a program that shows on this terminal what it does, and return its exit status.

    Who asks us to end asks it: it tidies up, and ends.

    Raises:
        Failure: there is no such program.
    """
    import subprocess

    try:
        child = subprocess.Popen(
            argv, env=environment(), process_group=0, preexec_fn=_dies_with_us()
        )
    except FileNotFoundError:
        raise Failure(f"there is no program {argv[0]}") from None
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)


def _dies_with_us() -> Callable[[], None] | None:
    """Return what has the kernel kill a child when we are killed; None where Python cannot ask."""
    try:
        import ctypes
    except ImportError:  # in Debian's python3-minimal
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # we have been killed before
            os._exit(1)

    return ask


def _end_group(child: Popen[bytes]) -> None:
    """End a program and what it has started: ask first, then do not."""
    import subprocess

    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
            return


def become(*argv: str) -> NoReturn:
    """Replace ourselves by a program that talks to the person, terminal and all.

    Raises:
        Failure: there is no such program.
    """
    import sys

    sys.stdout.flush()
    try:
        os.execvpe(argv[0], argv, environment())
    except FileNotFoundError:
        raise Failure(f"there is no program {argv[0]}") from None


def environment() -> dict[str, str]:
    """Return our environment with a PATH and a language that outputs can be read in."""
    return {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"}
