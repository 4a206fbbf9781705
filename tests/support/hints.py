"""Shows the hints of failures that a test did not expect (a plugin of pytest's).

A hint has the command and its last words, and a traceback shows no hints. As notes of the
exceptions, `pytest.raises(match=...)` would find in them what is to be in the message.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from democd.errors import BuildError


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.excinfo:
        report.sections += [("hint", hint) for hint in hints_of(call.excinfo.value)]
    return report


def hints_of(error: BaseException) -> list[str]:
    """Return the hints of an error and of what it came from, each once, the last one first."""
    found: list[str] = []
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause and cause not in seen:
        seen.append(cause)
        if isinstance(cause, BuildError) and cause.hint and cause.hint not in found:
            found.append(cause.hint)
        cause = cause.__cause__ or cause.__context__
    return found
