"""The failures a person can act on; anything else is a bug and shows its traceback."""

from __future__ import annotations


class BuildError(Exception):
    """Something went wrong that the person can do something about.

    Args:
        message: what happened, one line, naming the file or program.
        hint: what to do about it, or "".
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(BuildError):
    """What the person gave is wrong; found before any work was done (exit code 2)."""

    exit_code = 2


class Mistakes(InputError):
    """Several input mistakes, reported in one go.

    Args:
        mistakes: one (message, hint) pair for each.
    """

    def __init__(self, mistakes: list[tuple[str, str]]) -> None:
        count = len(mistakes)
        super().__init__(f"{count} mistake{'s' if count != 1 else ''}")
        self.mistakes = tuple(mistakes)
