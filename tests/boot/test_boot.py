"""Boots the disc in every way and looks at what comes up.

A test here is one check on one boot; the boots themselves are in cases.py and run two at a time.
"""

from __future__ import annotations

import pytest

from tests.boot.cases import CASES
from tests.boot.checks import secrets_are_made_at_boot
from tests.boot.fleet import Case, Check, Fleet, finding

pytestmark = pytest.mark.boot

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize(
    ("case", "check"),
    [
        pytest.param(case, check, id=f"{case.name}-{check.__name__}", marks=pytest.mark.cases(case))
        for case in CASES
        for check in case.checks
    ],
)
def test_boot(case: Case, check: Check, fleet: Fleet) -> None:
    finding(fleet.report(case.name), check)


@pytest.mark.cases(BY_NAME["bios-cd"], BY_NAME["findiso-ssh"])
def test_two_boots_share_no_secret(fleet: Fleet) -> None:
    key, machine = finding(fleet.report("bios-cd"), secrets_are_made_at_boot)
    other_key, other_machine = finding(fleet.report("findiso-ssh"), secrets_are_made_at_boot)
    assert key != other_key
    assert machine != other_machine
