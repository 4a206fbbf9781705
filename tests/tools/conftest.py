"""What the small disc is made of, made once for all that look at one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the sources of small discs, from the first plan on; see `small_disc.plan`."""
    return tmp_path_factory.mktemp("small")
