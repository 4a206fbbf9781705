"""The machines that tests look at, started ahead of them, some at a time (a plugin of pytest's).

Logs and screenshots of boots lie in build/boot-tests/, what `./build.py smoke` kept in
build/smoke-tests/. See lanes.py for how many run at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.boot.fleet import Fleet
from tests.smoke import fleet as smoke
from tests.support.building import BUILD, kept_root


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cases(case, ...): the boots that a test looks at")
    config.addinivalue_line("markers", "runs(name, ...): the smoke runs that a test looks at")


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The boots of all selected tests; `Case.disc` is a fixture here.

    The smoke runs come behind them, so that no lane is empty while the last boots are waited for.
    """
    cases = {case.name: case for case in _marked(request, "cases")}
    fleet = Fleet(BUILD / "boot-tests")
    try:
        for disc in dict.fromkeys(case.disc for case in cases.values()):
            iso = request.getfixturevalue(disc)
            fleet.sail(disc, iso, [case for case in cases.values() if case.disc == disc])
        if _marked(request, "runs"):
            request.getfixturevalue("runs")
        yield fleet
    finally:
        fleet.close()


@pytest.fixture(scope="session")
def runs(
    built: object, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[smoke.Fleet]:
    """The runs of `./build.py smoke` of all selected tests."""
    boot = kept_root().parts / "boot"
    fleet = smoke.Fleet(smoke.lay_parts(boot, tmp_path_factory.mktemp("tree")))
    for name in dict.fromkeys(_marked(request, "runs")):
        fleet.start(name)
    yield fleet
    fleet.close()


def _marked(request: pytest.FixtureRequest, name: str) -> list[Any]:
    """Return what the marks of that name are given, in all selected tests."""
    items = request.session.items
    return [given for item in items for mark in item.iter_markers(name) for given in mark.args]
