"""What is shown of a failure that a test did not expect."""

from __future__ import annotations

import pytest

from democd.errors import BuildError
from democd.host.run import run
from tests.support.hints import hints_of


def test_a_failures_words_and_those_of_what_it_came_from_are_shown() -> None:
    with pytest.raises(BuildError) as caught:
        run(["sh", "-c", "printf w%s hy >&2; exit 3"])
    unpacking = BuildError("it cannot be unpacked", "copy it again")
    unpacking.__cause__ = caught.value
    outer, inner = hints_of(unpacking)
    assert outer == "copy it again"
    assert inner.endswith("\nwhy")
