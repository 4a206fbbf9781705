"""The one door to other programs: argv lists, a fixed environment, failures told once.

A child never outlives the build, whatever kills it: the kernel is asked to kill it when we die
(prctl PR_SET_PDEATHSIG), and with `contained=True` it runs in PID and mount namespaces of its
own, so its descendants and its mounts go as well.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from democd.errors import BuildError
from democd.host import room
from democd.host.bounds import Bounds
from democd.host.tools import find_tool

LAST_LINES = 15
PASSED_ON = (
    "HOME",
    "USER",
    "TERM",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "APT_CONFIG",
    "TMPDIR",
)
_PIECE = 1 << 20
PATIENCE = 120
"""Seconds in which a program that fetches must get something: rather long, for it computes, too."""
_LEAST = 1000  # bytes a second; as much as host/git.py asks for
_STARVED = "got next to nothing in {:.0f} seconds, and was ended"
_LATE = "had not done its work after {:.0f} seconds, and was ended"
_NOT_STARTED = (126, 127)
_STARTING = re.compile(r"(?:setpriv|prlimit): failed to execute (.*): (.*)$")
"""What the programs that start all others say when they cannot."""
FREE = Bounds()
UMASK = 0o022
"""Of every program: what it makes has the same modes whoever builds."""


@dataclass(frozen=True)
class Finished:
    """What a program that ended well has printed."""

    stdout: str
    stderr: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment every program gets: no locale, zone or user setting leaks in."""
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    env |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return env | dict(extra or {})


def dying_with_us() -> list[str]:
    """Return the argv prefix of a program that dies when the thread ends that has started it.

    A program does that (PR_SET_PDEATHSIG), and not a `preexec_fn`: Python's own code between fork
    and exec may wait for ever for a lock that another thread had, and QEMUs start from threads.
    """
    return [find_tool("setpriv"), "--pdeathsig", "KILL", "--"]


def container() -> list[str]:
    """Return the argv prefix that runs a program in namespaces which die with us.

    As root only PID and mount namespaces; else a user namespace in which we are root too, with
    the user's subordinate ids mapped (util-linux 2.38).
    """
    user = [] if os.geteuid() == 0 else ["--map-root-user", "--map-auto"]
    # In a chroot whose root is no mount point there is nothing that could be made private.
    shared = [] if "/" in mount_points() else ["--propagation", "unchanged"]
    return [
        find_tool("unshare"), *user, *shared,
        "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
    ]  # fmt: skip


def mount_points() -> list[str]:
    """Return where something is mounted, as this process sees it, in the order it was mounted."""
    return [point for point, _, _ in mounts()]


def mounts() -> list[tuple[str, str, str]]:
    r"""Return (where, type of file system, what) of each mount, in the order of `mount_points`.

    proc(5), mountinfo: the fifth field is where; behind a field `-` stand type and what. Blanks
    and the like are \ooo.
    """
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        kind, what = tail.split(" ")[:2]
        found.append((_plain(head.split(" ")[4]), kind, _plain(what)))
    return found


def _plain(field: str) -> str:
    return re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), field)


def run(
    argv: Sequence[str | Path],
    *,
    contained: bool = False,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    feed: Callable[[IO[bytes]], None] | None = None,
    on_line: Callable[[str], None] | None = None,
    log: Path | None = None,
    bounds: Bounds = FREE,
    errors: str = "replace",
    growing: Path | None = None,
    patience: float = PATIENCE,
) -> Finished:
    """Run a program to its end.

    Args:
        argv: the program's name and its arguments; the name is looked up by `find_tool`.
        contained: in namespaces that die with us.
        cwd: its working folder.
        env: variables on top of the fixed environment.
        feed: writes the program's standard input, in this thread.
        on_line: called with each line of standard error while it runs, from another thread.
        log: a file that gets standard error whole, if the program ends well.
        bounds: what it may take at most.
        growing: what it fetches goes below this folder; it is ended when next to nothing comes.
        patience: seconds to wait for more of that.
        errors: how its output is decoded; by "surrogateescape" names of files stay what they are.

    Raises:
        BuildError: it cannot be started, or ended with another code than 0, or had to be ended;
            the command and its last lines are in the hint.
        NoRoomError: it ended since a disk is full.
    """
    words = [str(word) for word in argv]
    words[0] = find_tool(words[0])
    command = [*(container() if contained else []), *bounds.kept(), *words]
    try:
        process = subprocess.Popen(
            [*dying_with_us(), *command],
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment(env),
            umask=UMASK,
        )
    except OSError as error:
        raise BuildError(f"cannot start {command[0]}: {error.strerror}") from error
    out: list[bytes] = []
    err: list[str] = []
    ended: list[str] = []

    def end(why: str) -> None:
        ended.append(why)
        process.kill()

    threads = [
        threading.Thread(target=_collect, args=(process.stdout, out, bounds.printed, end)),
        threading.Thread(target=_follow, args=(process.stderr, err, on_line)),
    ]
    patient = min(bounds.seconds, threading.TIMEOUT_MAX)
    timer = threading.Timer(patient, end, [_LATE.format(patient)])
    timer.daemon = True
    over = threading.Event()
    if growing:
        threads.append(threading.Thread(target=_guard, args=(growing, patience, over, end)))
    try:
        if patient < threading.TIMEOUT_MAX:
            timer.start()
        for thread in threads:
            thread.start()
        if feed and process.stdin:
            _feed(process.stdin, feed)
        for thread in threads[:2]:
            thread.join()
        code = process.wait()
    finally:
        over.set()
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    stdout = b"".join(out).decode(errors=errors)
    if code in _NOT_STARTED and (why := _STARTING.match("\n".join(err))):
        raise BuildError(f"cannot start {why[1]}: {why[2]}")
    if code != 0 or ended:
        last = "\n".join(deque(err or stdout.splitlines(), LAST_LINES))
        how = f"was killed by signal {-code}" if code < 0 else f"failed with exit code {code}"
        how = ended[0] if ended else how
        hint = f"$ {shlex.join(words)}\n{last}"
        if full := room.said_by(err):
            raise room.NoRoomError(f"{Path(words[0]).name} finds the disk full", hint, full)
        raise BuildError(f"{Path(words[0]).name} {how}", hint)
    if log:
        log.write_text("\n".join(err) + "\n")
    return Finished(stdout, "\n".join(err))


def _feed(stream: IO[bytes], feed: Callable[[IO[bytes]], None]) -> None:
    try:
        with stream:
            feed(stream)
    except BrokenPipeError:
        pass  # the program ended early: its exit code and last lines tell why


def _guard(
    folder: Path, patience: float, over: threading.Event, end: Callable[[str], None]
) -> None:
    """End a program that fetches into a folder when next to nothing comes, until it is over.

    Servers that say nothing apt and git leave by themselves; those that send a byte now and then
    they would listen to for ever.
    """
    before = _size(folder)
    while not over.wait(patience):
        now = _size(folder)
        if abs(now - before) < _LEAST * patience:
            end(_STARVED.format(patience))
            return
        before = now


def _size(folder: Path) -> int:
    size = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone meanwhile
                size += Path(top, name).lstat().st_size
    return size


def _collect(
    stream: IO[bytes] | None, chunks: list[bytes], most: int, end: Callable[[str], None]
) -> None:
    while stream and (chunk := stream.read(_PIECE)):
        most -= len(chunk)
        if most < 0:
            end("printed more than it should have, and was ended")
            return
        chunks.append(chunk)


def _follow(
    stream: IO[bytes] | None, lines: list[str], on_line: Callable[[str], None] | None
) -> None:
    for raw in stream or ():
        line = raw.decode(errors="replace").rstrip("\n")
        lines.append(line)
        if on_line:
            on_line(line)
