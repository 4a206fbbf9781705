"""The boots of the disc under test.

XENDEMO_BOOTS_AT_ONCE says how many machines run at a time (2). Logs and screenshots lie in
build/boot-tests/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.boot.checks", "tests.boot.hardware")

from tests.boot.fleet import Fleet  # noqa: E402
from tests.boot.media import Media  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
ARTIFACTS = PROJECT / "build/boot-tests"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cases(case, ...): the boots that a test looks at")


@pytest.fixture(scope="session")
def fleet(iso: Path, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The boots of all selected tests, started ahead of them."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    cases = {
        case.name: case
        for item in request.session.items
        for mark in item.iter_markers("cases")
        for case in mark.args
    }
    fleet = Fleet(cases.values(), Media(iso, ARTIFACTS / "media"), ARTIFACTS)
    yield fleet
    fleet.close()
