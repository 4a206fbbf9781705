"""The Debian roots of the checkout's discs, and another host to build on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from democd.artifacts import Root
from democd.host.run import run
from tests.support import userland
from tests.support.building import BOOKWORM, kept_root


@pytest.fixture(scope="session")
def root(built: Path) -> Root:
    return kept_root()


@pytest.fixture(scope="session")
def bookworm_root(bookworm_iso: Path) -> Root:
    return kept_root(*BOOKWORM)


@pytest.fixture(scope="session")
def other_host_begun() -> Iterator[Future[Path]]:
    """A host of another Debian release in the making; it takes a minute."""
    folder = Path(tempfile.mkdtemp(prefix="xendemo-host-"))
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(userland.make, folder / "root", userland.other_release())
    # Where we are not root, the files are our subordinate users'.
    run(["rm", "-rf", folder], contained=True)


@pytest.fixture(scope="session")
def other_host(other_host_begun: Future[Path]) -> Path:
    """The userland of a host of another Debian release."""
    return other_host_begun.result()


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Let what takes minutes work beside other tests, if a test will ask for it."""
    for name in ("other_host", "world"):
        if any(name in getattr(item, "fixturenames", ()) for item in request.session.items):
            request.getfixturevalue(f"{name}_begun")
