"""What a smoke case is made of: steps on a console, each with what must come and what must not.

Patterns are regular expressions, searched line by line. `<xen_version>` and its like stand for
facts of the disc (`disc.Disc.facts`); in a command they stand as they are, in a pattern escaped.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from democd.errors import BuildError
from democd.smoke.console import Console, ConsoleError

LEAVE = "\x1d"
"""Ctrl-], which leaves a guest's console."""

RESULT = r"Test result: (SUCCESS|SKIP|ERROR|FAILURE|CRASH)"
"""XTF's last words (xtf, common/report.c as its users see it)."""


class NotPossibleError(BuildError):
    """The machine cannot do what a case needs: neither passed nor failed."""


QUIET = 2 / 3
"""The part of a wait for which a guest may be silent; one that is silent longer hangs."""


class FailureSaidError(BuildError):
    """A test kernel says itself that it failed; whatever happens after that does not matter."""


class NoVerdictError(BuildError):
    """A test kernel says itself that it could not test (XTF's ERROR)."""


@dataclass(frozen=True)
class Run:
    """A command in dom0's shell, which must end with status 0.

    Attributes:
        comes: patterns that its output must have, each.
        never: patterns that it must not have.
        within: seconds.
    """

    command: str
    comes: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    within: float = 60


@dataclass(frozen=True)
class Type:
    """Keys on the console, and what must come after; there a guest may be who listens.

    Attributes:
        never: patterns that end the wait.
    """

    keys: str
    comes: str
    never: tuple[str, ...] = ()
    within: float = 90


@dataclass(frozen=True)
class Leave:
    """Leave a guest's console for dom0's shell."""


@dataclass(frozen=True)
class Said:
    """What Xen and dom0 must and must not have said since the machine was switched on."""

    comes: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Need:
    """What a case needs of the machine: where the command's output lacks it, it is not possible.

    Attributes:
        why: to a person: what it needs.
    """

    command: str
    comes: str
    why: str


@dataclass(frozen=True)
class Trial:
    """A test kernel started as a domain; its own words are the verdict.

    Attributes:
        conf: its file for `xl`, in dom0.
    """

    conf: str
    within: float = 60


Step = Run | Type | Leave | Said | Need | Trial


def do(step: Step, console: Console, facts: Mapping[str, str], said: str) -> None:
    """Do a step.

    Args:
        step: what to do.
        console: in dom0's shell, or where an earlier step has led.
        facts: of the disc.
        said: all that was said since the machine was switched on.

    Raises:
        ConsoleError: it went wrong.
        NotPossibleError: the machine cannot do it.
        FailureSaidError: a test kernel says that it failed.
        NoVerdictError: a test kernel has no verdict.
    """
    match step:
        case Run():
            _run(step, console, facts)
        case Type():
            console.press(filled(step.keys, facts))
            if not step.comes:
                time.sleep(3)  # nothing tells that a console is open
            never = [_lines(filled(word, facts, pattern=True)) for word in step.never]
            console.expect(
                filled(step.comes, facts, pattern=True), step.within, silence=step.within * QUIET,
                fatal=never,
            )  # fmt: skip
        case Leave():
            leave(console)
        case Said():
            _compare(step, said, facts, "the serial line")
        case Need():
            output = console.run(filled(step.command, facts)).text
            if not re.search(filled(step.comes, facts, pattern=True), output, re.MULTILINE):
                found = " ".join(output.split())
                raise NotPossibleError(step.why, f"`{step.command}` says: {found}")
        case Trial():
            _judge(console, step)


def filled(text: str, facts: Mapping[str, str], *, pattern: bool = False) -> str:
    """Return a command or pattern with the disc's facts in their places."""
    for name, fact in facts.items():
        text = text.replace(f"<{name}>", re.escape(fact) if pattern else fact)
    return text


def leave(console: Console) -> None:
    """Leave a guest's console, if one is open, and have dom0's shell answer."""
    console.press(LEAVE)
    time.sleep(1)
    console.press("\r")  # where no console was open, the shell has the key: end its line
    console.get("true")


def result_of(word: str) -> None:
    """Take a test kernel's result.

    Raises:
        FailureSaidError: it says FAILURE or CRASH.
        NotPossibleError: SKIP.
        NoVerdictError: ERROR.
    """
    if word == "SKIP":
        raise NotPossibleError("the test itself says: SKIP")
    if word == "ERROR":
        raise NoVerdictError("the test itself says: ERROR")
    if word != "SUCCESS":
        raise FailureSaidError(f"the test itself says: {word}")


def _run(step: Run, console: Console, facts: Mapping[str, str]) -> None:
    command = filled(step.command, facts)
    output = console.run(command, step.within)
    last = "\n".join(output.text.splitlines()[-15:])
    if output.status != 0:
        raise ConsoleError("wrong", f"`{command}` ended with status {output.status}", last)
    _compare(step, output.text, facts, f"`{command}`")


def _compare(step: Run | Said, text: str, facts: Mapping[str, str], who: str) -> None:
    last = "\n".join(text.splitlines()[-15:])
    for word in step.never:
        if found := re.search(filled(word, facts, pattern=True), text, re.MULTILINE):
            raise ConsoleError("wrong", f"{who} says {found[0].strip()!r}", last)
    for word in step.comes:
        wanted = filled(word, facts, pattern=True)
        if not re.search(wanted, text, re.MULTILINE):
            raise ConsoleError("wrong", f"{who} does not say {wanted}", last)


def _lines(pattern: str) -> str:
    """Return a pattern in which ^ is a line's start, though the console gives one long text."""
    return f"(?m:{pattern})"


def _judge(console: Console, step: Trial) -> None:
    """Start a test kernel with its console here, and wait for its result."""
    console.press(f"xl create -c {step.conf}; echo '<over>'\r")
    seen = console.expect([RESULT, r"<over>"], step.within, silence=step.within * QUIET)
    if seen.index == 1:
        last = "\n".join(seen.before.splitlines()[-15:])
        raise ConsoleError("ended", "it ended without a result", last)
    word = seen.text.split()[-1]
    time.sleep(1)  # it ends itself now
    leave(console)
    result_of(word)
