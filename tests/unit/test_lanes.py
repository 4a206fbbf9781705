"""How many machines run at a time, beside builds and after them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from tests.boot.fleet import Fleet
from tests.support.lanes import AT_ONCE, LANE


def test_a_lane_that_is_held_is_nobodys_until_what_it_waits_for_is_over(tmp_path: Path) -> None:
    held, over = Event(), Event()

    def builds() -> None:
        held.set()
        over.wait(60)

    with ThreadPoolExecutor(AT_ONCE) as pool, ExitStack() as taken:
        taken.callback(over.set)
        Fleet(tmp_path, pool).hold(builds)
        assert held.wait(60)
        for _ in range(AT_ONCE - 1):
            assert LANE.acquire(timeout=60)
            taken.callback(LANE.release)
        assert not LANE.acquire(timeout=0.1)
        over.set()
        assert LANE.acquire(timeout=60)
        taken.callback(LANE.release)
