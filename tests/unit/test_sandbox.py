"""What the tests of hostile discs rely on: that they are an ordinary user, and nobody else is."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from democd.host.run import run
from tests.support.sandbox import NOBODY, may_be_nobody, nobody


@pytest.mark.skipif(not may_be_nobody(), reason="only root can be somebody else")
def test_one_thread_is_an_ordinary_user_and_the_others_stay_who_they_are(tmp_path: Path) -> None:
    """Discs are built by another thread meanwhile: whatever that starts must be as we were."""

    def who() -> str:
        return run(["id", "-u"]).stdout.strip()

    with ThreadPoolExecutor(1) as beside:
        assert beside.submit(who).result() == "0"
        with nobody(tmp_path):
            assert who() == str(NOBODY)
            assert beside.submit(who).result() == "0"
    assert (os.geteuid(), os.getegid()) == (0, 0)
