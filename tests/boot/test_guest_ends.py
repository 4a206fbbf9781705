"""All that README.CD says of guests, as written, and whatever they die of: `make test-guests`."""

from __future__ import annotations

import pytest

from tests.boot.fleet import Case, Check, Fleet, finding
from tests.boot.guest_ends import deaths_leave_nothing
from tests.boot.guests import commands_of_the_readme_work

CASE = Case("guests-ends", (commands_of_the_readme_work, deaths_leave_nothing), memory=1200)

pytestmark = [pytest.mark.guests, pytest.mark.cases(CASE)]


@pytest.mark.parametrize("check", CASE.checks, ids=lambda check: check.__name__)
def test_guests(check: Check, fleet: Fleet) -> None:
    finding(fleet.report(CASE.name), check)
