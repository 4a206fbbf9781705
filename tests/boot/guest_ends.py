"""What is checked of the ends of guests: whatever they die of, nothing of them is left in dom0."""

from __future__ import annotations

import re
import time

from tests.boot.domains import clear, names, traces, wait_until_gone
from tests.boot.fleet import Visit


def shutdown_and_destroy_leave_nothing(visit: Visit) -> None:
    visit.console.get("xendemo shutdown guest2")
    wait_until_gone(visit, "guest2")
    visit.console.get("xendemo destroy guest1")
    assert names(visit) == []
    _nothing_is_left(visit)


def _nothing_is_left(visit: Visit) -> None:
    visit.console.run("udevadm settle")
    time.sleep(2)
    left = [
        line
        for line in traces(visit)
        if re.search(
            r"vif\d|169\.254\.1\.[1-9]|10\.84\.|/dev/loop[89]|(/domain/|/vif/|/vbd/)[1-9]", line
        )
    ]
    assert not left, "\n".join(left)


_DEATHS = {
    "destroyed at once": "xendemo create && sleep 4 && xendemo destroy guest1",
    "its kernel panics": "xendemo create --micro -D 'extra=rdinit=/nowhere panic=-1'",
    "xl is killed, then the guest": "xendemo create --micro && sleep 8 && pkill -KILL -x xl;"
    " xl destroy guest1",
    "two at once": "xendemo create --micro --count 2 &&"
    " (xl destroy guest1 & xl destroy guest2; wait)",
}


def deaths_leave_nothing(visit: Visit) -> None:
    """Destroyed in the middle of its boot, crashed, orphaned: dom0 is as it was."""
    clear(visit)
    visit.console.run("udevadm settle; sleep 5")
    before = traces(visit)
    for death, command in _DEATHS.items():
        visit.console.get(command, 300)
        wait_until_gone(visit, "guest1", "guest2")
        assert _settled(visit, before) == before, death


def _settled(visit: Visit, wanted: list[str]) -> list[str]:
    """Return the traces, once they are as wanted or two minutes are over."""
    for _ in range(24):
        visit.console.run("udevadm settle")
        found = traces(visit)
        if found == wanted:
            break
        time.sleep(5)
    return found


def medium_taken_out_is_told(visit: Visit) -> None:
    """The last check of a machine: what is not in memory by now is lost."""
    clear(visit)
    visit.console.get("xendemo create -n")  # has the program in memory
    visit.running.eject(0)
    output = visit.console.run("xendemo create")
    assert output.status == 2, output
    assert "/dev/sr0" in output.text
    assert names(visit) == []
