"""The machines that tests look at, started ahead of them, some at a time (a plugin of pytest's).

Logs and screenshots of boots lie in build/boot-tests/, what `./build.py smoke` kept in
build/smoke-tests/. See lanes.py for how many run at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from tests.boot.fleet import Case, Fleet
from tests.smoke import fleet as smoke
from tests.support.building import BUILD, PROJECT, kept_root
from tests.support.lanes import ALL_BUILT, AT_ONCE, BESIDE

DISC = "iso"
"""The fixture of the disc that most boots are of."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cases(case, ...): the boots that a test looks at")
    config.addinivalue_line("markers", "runs(name, ...): the smoke runs that a test looks at")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if any(item.path.is_relative_to(PROJECT / "tests" / folder) for folder in ("boot", "smoke")):
        ALL_BUILT.set()  # these come last


@pytest.fixture(scope="session")
def pool() -> Iterator[Executor]:
    """The queue of all that has machines run."""
    with ThreadPoolExecutor(AT_ONCE, "machine") as pool:
        yield pool


@pytest.fixture(scope="session")
def fleet_begun(pool: Executor, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The boots of the disc itself: in one lane beside build tests, as soon as these let them."""
    fleet = Fleet(BUILD / "boot-tests", pool)
    fleet.hold(lambda: wait(BESIDE))
    fleet.hold(ALL_BUILT.wait)
    try:
        if cases := _cases(request).get(DISC):
            fleet.sail(DISC, request.getfixturevalue(DISC), cases)
        yield fleet
    finally:
        ALL_BUILT.set()
        fleet.close()


@pytest.fixture(scope="session")
def fleet(fleet_begun: Fleet, request: pytest.FixtureRequest) -> Fleet:
    """The boots of all selected tests.

    The smoke runs come behind them, so that no lane is empty while the last boots are waited for.
    """
    for disc, cases in _cases(request).items():
        if disc != DISC:
            fleet_begun.sail(disc, request.getfixturevalue(disc), cases)
    if _marked(request, "runs"):
        request.getfixturevalue("runs")
    return fleet_begun


def _cases(request: pytest.FixtureRequest) -> dict[str, list[Case]]:
    """Return the boots that selected tests look at, by the fixture that is their disc."""
    found: dict[str, list[Case]] = {}
    for case in {case.name: case for case in _marked(request, "cases")}.values():
        found.setdefault(case.disc, []).append(case)
    return found


@pytest.fixture(scope="session")
def runs(
    built: Path,
    pool: Executor,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[smoke.Fleet]:
    """The runs of `./build.py smoke` of all selected tests."""
    boot = kept_root().parts / "boot"
    fleet = smoke.Fleet(smoke.lay_parts(boot, tmp_path_factory.mktemp("tree")), pool)
    for name in dict.fromkeys(_marked(request, "runs")):
        fleet.start(name)
    yield fleet
    fleet.close()


def _marked(request: pytest.FixtureRequest, name: str) -> list[Any]:
    """Return what the marks of that name are given, in all selected tests."""
    items = request.session.items
    return [given for item in items for mark in item.iter_markers(name) for given in mark.args]
