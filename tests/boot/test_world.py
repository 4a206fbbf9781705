"""What the disc has built of Xen's source boots: the circle is closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bench import GUESTS, Bench, at_prompt
from tests.support.world import Built

pytestmark = pytest.mark.boot


@pytest.fixture(scope="module")
def bench(world_iso: Path) -> Iterator[Bench]:
    with at_prompt(world_iso, "world") as bench:
        yield bench


def test_it_is_that_very_build_of_xen(bench: Bench, world: Built) -> None:
    said = bench.ask("xl dmesg | grep 'Xen version'")
    assert re.search(rf"Xen version {re.escape(world.version)} .*{re.escape(world.date)}", said), (
        said
    )


def test_its_tools_run_on_it(bench: Bench, world: Built) -> None:
    series, _, extra = world.version.partition(".")
    minor, _, extra = extra.partition(".")
    said = bench.ask("xl info")
    assert re.search(rf"^xen_version +: {series}\.{minor}\.{re.escape(extra)}", said, re.MULTILINE)
    assert bench.ask("readlink -f $(which xl)") == "/usr/local/sbin/xl"
    assert re.search(r"^Domain-0 +0 ", bench.ask("xl list"), re.MULTILINE)


def test_a_guest_runs_on_both(bench: Bench) -> None:
    assert "error" not in bench.ask(f"xl create {GUESTS}/guest1.cfg")
    assert " 0% packet loss" in bench.in_guest("guest1", "ping -c 2 169.254.1.0")
