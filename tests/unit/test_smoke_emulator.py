"""Which guests have crashed, by the logs that xl keeps of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from democd.smoke.emulator import CRASHED

WAITING = "Waiting for domain {0} (domid {1}) to die [pid 42]\n"
DOWN = (
    "Domain {1} has shut down, reason code {2} 0x{2}\n"
    "Action for shutdown reason code {2} is destroy\n"
)


def test_a_crash_is_told_from_a_shutdown_and_a_life(tmp_path: Path) -> None:
    for number, (name, reason) in enumerate({"guest1": 3, "guest2": 0, "web": 3}.items(), 1):
        said = (WAITING + DOWN).format(name, number, reason)
        (tmp_path / f"xl-{name}.log").write_text(said)
    (tmp_path / "xl-guest3.log").write_text(WAITING.format("guest3", 4))
    (tmp_path / "xl-guest3.log.1").write_text(DOWN.format("guest3", 2, 3))  # an earlier life
    told = subprocess.run(
        ["sh", "-c", CRASHED.replace("/var/log/xen", str(tmp_path))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["guest1", "web"]
