"""Boots the disc on each machine of the hardware matrix: `make test-matrix`."""

from __future__ import annotations

import pytest

from tests.boot.fleet import Case, Check, Fleet, finding
from tests.boot.hardware import case_of
from tests.boot.matrix import PLACES

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize(
    ("case", "check"),
    [
        pytest.param(case, check, id=f"{case.name}-{check.__name__}", marks=pytest.mark.cases(case))
        for case in map(case_of, PLACES)
        for check in case.checks
    ],
)
def test_machine(case: Case, check: Check, fleet: Fleet) -> None:
    finding(fleet.report(case.name), check)
