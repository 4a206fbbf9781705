"""The Debian roots of the checkout's discs."""

from __future__ import annotations

from pathlib import Path

import pytest

from democd.artifacts import Root
from tests.support.building import BOOKWORM, kept_root


@pytest.fixture(scope="session")
def root(built: Path) -> Root:
    return kept_root()


@pytest.fixture(scope="session")
def bookworm_root(bookworm_iso: Path) -> Root:
    return kept_root(*BOOKWORM)


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Let what takes minutes work beside other tests, if a test will ask for it."""
    if any("world" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("world_begun")
