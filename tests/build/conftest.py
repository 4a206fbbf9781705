"""The disc of the checkout as it was built: its Debian root, and its layers unpacked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.artifacts import Root
from tests.support.building import BOOKWORM, kept_root
from tests.support.trees import Trees


@pytest.fixture(scope="session")
def root(built: Path) -> Root:
    return kept_root()


@pytest.fixture(scope="session")
def bookworm_root(bookworm_iso: Path) -> Root:
    return kept_root(*BOOKWORM)


@pytest.fixture(scope="session")
def trees(built: Path) -> Iterator[Trees]:
    folder = Path(tempfile.mkdtemp(prefix="xendemo-trees-"))
    yield Trees(built, folder)
    shutil.rmtree(folder)
