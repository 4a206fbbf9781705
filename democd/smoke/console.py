"""A machine's serial console, read and typed on by script.

Everything the machine says is kept with its time. Every wait ends at once on a panic, tells a
machine that fell silent from one that is only slow, and carries the last lines in its failure.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

import pexpect
from pexpect import fdpexpect

from democd.errors import BuildError
from democd.smoke.fatal import FATAL
from democd.smoke.transcript import Transcript, plain

SLICE = 1.0  # seconds at most between two looks at the clock
PIECE = 16  # bytes typed at once: a 16550's FIFO, well below Xen's receive ring

Kind = Literal["panic", "silent", "slow", "ended", "wrong"]


class ConsoleError(BuildError):
    """The machine did not do what was waited for; the last lines are in the hint.

    Attributes:
        kind: `panic`, `silent` (said nothing for too long: it hangs), `slow` (time is up though it
            still talks), `ended` (the machine is gone), `wrong` (it said something else).
    """

    def __init__(self, kind: Kind, message: str, last: str) -> None:
        super().__init__(message, last)
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"


@dataclass(frozen=True)
class Seen:
    """What ended a wait.

    Attributes:
        index: which of the patterns.
        text: what it matched.
        before: all that was said between the last match and this one.
        at: seconds since the console was opened.
    """

    index: int
    text: str
    before: str
    at: float


@dataclass(frozen=True)
class Output:
    """What a command printed (stdout and stderr), and its exit status."""

    status: int
    text: str


# Typed once into the shell of the machine. `_run ID LENGTH COMMAND` runs a command once, however
# often it is asked, and says the result again: a line garbled by a kernel message in its middle
# is simply asked for once more. LENGTH finds characters lost on the way in. The output travels as
# base64 lines in brackets, so that neither echo nor messages of Xen mix with it.
_LEAVE = "echo \\<left\\>; exec env PS1= PS2= ENV= sh"
_SHELL = (
    "_f=/tmp/.said$$; _last=",
    "_say() { base64 <$_f | while read -r _l; do printf '<%s=%s>\\n' $1 $_l; done;"
    " printf '<%s:%s:%s>\\n' $1 $2 $(wc -c <$_f); }",
    "_run() { if [ ${#3} != $2 ]; then printf '<%s:short>\\n' $1;"
    ' elif [ $1 = "$_last" ]; then _say $1 $_s;'
    " else _last=$1; printf '<%s:go>\\n' $1; sh -c \"$3\" </dev/null >$_f 2>&1; _s=$?;"
    " _say $1 $_s; fi; }",
)


class Console:
    """The serial console of a machine.

    Args:
        link: the connected socket; closed with the console.
        log: gets all lines with their times.

    Attributes:
        silence: seconds without a byte after which a machine counts as hung, unless a wait says
            otherwise.
        pace: every time that is waited is so many times as long: for slow machines.
        alarms: patterns that end every wait, beside FATAL.
        quiet: seconds without a byte after which a machine that has failed has had its last word.
        pause: seconds between two pieces typed: no one on a serial line types faster.
    """

    def __init__(self, link: socket.socket, log: Path | None = None) -> None:
        self.transcript = Transcript(log)
        self.silence = 240.0
        self.pace = 1.0
        self.alarms: tuple[str, ...] = ()
        self.quiet = 1.0
        self.pause = 0.04
        self._link = link
        # A search window keeps the time for a long wait linear in what is said meanwhile.
        self._spawn = fdpexpect.fdspawn(
            link.fileno(), encoding="utf-8", codec_errors="replace", searchwindowsize=8192
        )
        self._spawn.logfile_read = self.transcript
        self._spawn.delaybeforesend = None
        self._asked = 0

    @classmethod
    def at(cls, path: Path, log: Path | None = None) -> Console:
        """Open the serial socket of a running machine."""
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(path))
        return cls(link, log)

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the link and the log."""
        self._link.close()
        self.transcript.close()

    def expect(
        self,
        patterns: str | Sequence[str],
        timeout: float = 600,
        *,
        silence: float | None = None,
        fatal: Sequence[str] = (),
    ) -> Seen:
        """Wait until the machine says one of the patterns.

        Args:
            patterns: regular expressions; the first in what is said wins.
            timeout: seconds in all.
            silence: seconds without a single byte after which it counts as hung, in place of the
                console's own.
            fatal: patterns that end the wait as FATAL does, here only.

        Raises:
            ConsoleError: a panic, a time-out, or the machine is gone.
        """
        wanted = [patterns] if isinstance(patterns, str) else list(patterns)
        search = [re.compile(p) for p in (*wanted, *FATAL, *self.alarms, *fatal)]
        timeout *= self.pace
        silence = (self.silence if silence is None else silence) * self.pace
        start = now = time.monotonic()
        while True:
            left = min(start + timeout, max(start, self.transcript.heard) + silence) - now
            try:
                index = self._spawn.expect(
                    [*search, pexpect.EOF, pexpect.TIMEOUT], timeout=min(SLICE, max(left, 0))
                )
            except OSError:  # QEMU was killed: the socket is reset
                index = len(search)
            if index < len(wanted):
                return Seen(
                    index,
                    str(self._spawn.after),
                    self._spawn.before or "",
                    self.transcript.seconds(),
                )
            if index < len(search):
                self._linger()
                raise self._failure(
                    "panic", f"the machine failed: {str(self._spawn.after).strip()}"
                )
            if index == len(search):
                raise self._failure("ended", "the machine ended while it was waited for", wanted)
            now = time.monotonic()
            if now - start > timeout:
                raise self._failure("slow", f"not seen within {timeout:.0f} s", wanted)
            if now - max(start, self.transcript.heard) > silence:
                raise self._failure("silent", f"silent for {silence:.0f} s, it hangs", wanted)

    def _linger(self) -> None:
        """Listen a moment longer: what follows a panic tells where it was."""
        deadline = time.monotonic() + 2 * self.quiet
        try:
            while time.monotonic() < deadline:
                self._spawn.read_nonblocking(2000, timeout=self.quiet)
        except (pexpect.EOF, pexpect.TIMEOUT, OSError):
            pass

    def _failure(self, kind: Kind, what: str, wanted: Sequence[str] = ()) -> ConsoleError:
        waiting = f" (waiting for {' or '.join(wanted)})" if wanted else ""
        return ConsoleError(kind, what + waiting, self.transcript.last())

    def press(self, keys: str) -> None:
        """Send keys as they are, a few at a time."""
        for start in range(0, len(keys), PIECE):
            try:
                self._spawn.send(keys[start : start + PIECE])
            except OSError:
                raise self._failure("ended", "the machine ended while it was typed to") from None
            time.sleep(self.pause)

    def login(self, user: str = "root", password: str = "xendemo", timeout: float = 600) -> str:
        """Log in, ready for `run`, and return what the machine showed (motd).

        Raises:
            ConsoleError: no log-in prompt, or it does not let us in.
        """
        prompt = r"(?<!Last )login: "
        self.expect(prompt, timeout)
        for _ in range(3):
            self.press(f"{user}\r")
            # A message of the kernel can scroll the prompt away, getty can time out: try anew.
            if self.expect([r"[Pp]assword: ", prompt], 120).index == 0:
                break
        self.press(f"{password}\r")
        greeting = self.expect([r"Login incorrect", r"[#$] "], 120)
        if greeting.index == 0:
            raise self._failure("wrong", f"{user} is not let in")
        # What looked like the prompt may have been a word of the greeting: its rest comes later.
        return plain(greeting.before + greeting.text + self._prepare_shell())

    def take_shell(self, prompt: str, timeout: float = 600) -> None:
        """Wait for the prompt of a shell that asks for no log-in, and be ready for `run`.

        Raises:
            ConsoleError: the prompt does not come, or the shell does not answer.
        """
        self.expect(prompt, timeout)
        self._prepare_shell()

    def _prepare_shell(self) -> str:
        """Leave the person's shell, with its line editor, for one that is easy to drive.

        Returns what was said before the first words typed here.
        """
        said = ""
        for attempt in range(4):
            try:
                if attempt == 0:
                    self.press(f"{_LEAVE}\r")
                    # A line typed before the editor is gone reaches the new shell with its \r.
                    said = self.expect("<left>", 40, silence=40).before
                ready = f"[ $_f ] && type _say _run >$_f && printf '<%s{attempt}>\\n' ready"
                for line in ("stty -echo cols 500", *_SHELL, ready):
                    self.press(line + "\r")
                self.expect(f"<ready{attempt}>", 40, silence=40)
            except ConsoleError as failure:
                if failure.kind in ("panic", "ended"):
                    raise
                self.press("\x03")
            else:
                return said.partition(_LEAVE)[0]
        raise self._failure("wrong", "the shell does not answer")

    def run(self, command: str, timeout: float = 180) -> Output:
        """Run a shell command (sh) after `login`, and return its output and status.

        Raises:
            ConsoleError: it does not come back in time.
        """
        self._asked += 1
        name = f"c{self._asked}"
        line = f"_run {name} {len(command)} {shlex.quote(command)}\r".replace("\n", "\r")
        for _ in range(4):
            self.press(line)
            if not self._accepted(name):
                self.press("\x03")
                continue
            output = self._result(name, timeout)
            if output:
                return output
        raise self._failure("wrong", f"the shell does not answer {command!r}")

    def _accepted(self, name: str) -> bool:
        """Wait until the shell has taken a command; say whether it came through whole."""
        try:
            # An answer said again comes without `go`, and is left for `_result` to read whole.
            answer = [f"<{name}:go>", rf"(?=<{name}(?:=|:\d))", f"<{name}:short>"]
            return self.expect(answer, 45).index < 2
        except ConsoleError as failure:
            if failure.kind in ("panic", "ended"):
                raise
            return False

    def _result(self, name: str, timeout: float) -> Output | None:
        """Collect a result; None if a part of it was garbled on the way."""
        end = self.expect(rf"<{name}:\d+:\d+>", timeout, silence=timeout)
        status, size = (int(word) for word in end.text.strip("<>").split(":")[1:])
        lines = re.findall(rf"{name}=([A-Za-z0-9+/=]*)>", end.before)
        try:
            data = b"".join(base64.b64decode(line, validate=True) for line in lines)
        except binascii.Error:
            return None
        return Output(status, data.decode(errors="replace")) if len(data) == size else None

    def get(self, command: str, timeout: float = 180) -> str:
        """Run a command that must succeed, and return what it printed, without the last newline.

        Raises:
            ConsoleError: its status is not 0.
        """
        output = self.run(command, timeout)
        if output.status != 0:
            raise ConsoleError(
                "wrong", f"`{command}` ended with status {output.status}", output.text
            )
        return output.text.rstrip("\n")
