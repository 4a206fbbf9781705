"""The failures that a person can act on; anything else is a bug and shows its traceback."""

from __future__ import annotations


class Failure(Exception):
    """Something went wrong that the person can do something about (exit code 1).

    Args:
        message: what happened, one line.
        hint: what to do about it, or "".
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.pairs = [(message, hint)]


class InputError(Failure):
    """What the person gave is wrong; found before anything was done (exit code 2)."""

    exit_code = 2


class Mistakes(InputError):
    """Several mistakes of one command, told in one go.

    Args:
        pairs: (message, hint) of each, one or more.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(*pairs[0])
        self.pairs = pairs


class Interrupted(BaseException):
    """Ctrl-C or a request to end, once everything is tidy.

    Args:
        message: what has been taken back and what has not, or "".
    """


def explain(failure: Failure) -> str:
    """Return a failure as a person reads it: each message with its hint below."""
    lines = []
    for message, hint in failure.pairs:
        lines.append(f"error: {message}")
        lines += [f"  {line}" for line in hint.splitlines()]
    return "\n".join(lines)
