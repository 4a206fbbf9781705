"""The Debian roots of the checkout's discs, and another host to build on."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from democd import lockfile
from democd.artifacts import Root
from democd.host.run import run
from tests.support import debiandisk, userland
from tests.support.again import Again, build_again
from tests.support.building import BOOKWORM, BUILD, kept_lock, kept_root
from tests.support.lanes import BESIDE


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
def debian_files_begun() -> Iterator[Future[Path]]:
    """A Debian to install into in the making; it takes a minute."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(debiandisk.files, BUILD / "install-debian")


@pytest.fixture(scope="session")
def debian_files(debian_files_begun: Future[Path]) -> Path:
    """All files of the Debian that tests/support/debiandisk.py puts onto a disk."""
    return debian_files_begun.result()


@pytest.fixture(scope="session")
def again_begun(built: Path, other_host_begun: Future[Path]) -> Iterator[Future[Again]]:
    """The second build of the disc, at work; it takes minutes."""
    manifest = json.loads(built.with_suffix(".manifest.json").read_text())
    said = tuple(f"disc.{name}={manifest[name]}" for name in ("version", "builder"))
    lock = lockfile.text(kept_lock())
    home = Path(tempfile.mkdtemp(prefix="xendemo-visitor-"))
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(lambda: build_again(home, other_host_begun.result(), lock, said))
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def again(again_begun: Future[Again]) -> Again:
    """What it has made."""
    return again_begun.result()


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Let what takes minutes work beside other tests, if a test will ask for it; then machines."""

    def is_asked_for(name: str) -> bool:
        return any(name in getattr(item, "fixturenames", ()) for item in request.session.items)

    for name in filter(is_asked_for, ("again", "debian_files", "world")):
        BESIDE.append(request.getfixturevalue(f"{name}_begun"))
    if is_asked_for("fleet"):
        request.getfixturevalue("fleet_begun")
