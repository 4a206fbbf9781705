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
