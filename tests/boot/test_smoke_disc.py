"""The smoke disc: one boot to its prompt, and all that a tester does there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bench import ARTIFACTS, GUESTS, Bench, at_prompt

pytestmark = pytest.mark.boot


@pytest.fixture(scope="module")
def bench(smoke_iso: Path) -> Iterator[Bench]:
    with at_prompt(smoke_iso, "smoke-disc") as bench:
        yield bench


def test_nothing_has_failed_on_the_way(bench: Bench) -> None:
    said = bench.log.read_text()
    assert "smoke: XENSMOKE is on /dev/sr0, mounted at /cdrom" in said
    assert "FAILED" not in said


def test_xl_works_at_once(bench: Bench) -> None:
    assert re.search(r"^Domain-0 +0 +256 .*r-----", bench.ask("xl list"), re.MULTILINE)
    assert re.search(r"^xen_version +: 4\.", bench.ask("xl info"), re.MULTILINE)
    assert "Domain-0" in bench.ask("xenstore-read /local/domain/0/name")


def test_xen_knows_all_its_options(bench: Bench) -> None:
    assert "unknown" not in bench.ask("xl dmesg | grep -i 'parameter'")


def test_the_disc_is_mounted_and_whole(bench: Bench) -> None:
    assert bench.ask("cd /cdrom && sha256sum -c SHA256SUMS | grep -v ': OK$'; cd /") == ""
    assert "/cdrom iso9660 ro" in bench.ask("cat /proc/mounts")


def test_the_screen_has_a_shell_too(bench: Bench) -> None:
    assert len(bench.ask("pidof sh").split()) >= 2
    assert bench.running.screenshot(ARTIFACTS / "smoke-disc.png").stat().st_size > 1000


def test_two_guests_run_and_reach_each_other_and_dom0(bench: Bench) -> None:
    for name in ("guest1", "guest2"):
        assert "error" not in bench.ask(f"xl create {GUESTS}/{name}.cfg")
    first = bench.in_guest("guest1", "ping -c 2 169.254.1.0 && hostname")
    assert " 0% packet loss" in first
    assert "guest1" in first
    second = bench.in_guest("guest2", "ping -c 2 169.254.1.1")
    assert " 0% packet loss" in second
    assert " 0% packet loss" in bench.ask("ping -c 2 169.254.1.2")
    listed = bench.ask("xl list")
    assert re.search(r"^guest1 .*\n(.*\n)*guest2 ", listed, re.MULTILINE), listed


def test_a_guest_is_shut_down_and_another_destroyed(bench: Bench) -> None:
    bench.ask("xl shutdown -w guest2")
    bench.ask("xl destroy guest1")
    # Once a domain is down, the xl that watches it takes away what is left.
    bench.ask("for _ in $(seq 60); do [ $(xl list | wc -l) = 2 ] && break; sleep 1; done")
    listed = bench.ask("xl list")
    assert "guest1" not in listed
    assert "guest2" not in listed
    assert "vif" not in bench.ask("ip route; ls /sys/class/net")


def test_a_guest_without_its_kernel_is_told(bench: Bench) -> None:
    bench.ask(f"sed 's,/cdrom/boot,/gone,; s/guest1/odd/' {GUESTS}/guest1.cfg >/odd.cfg")
    assert "error" in bench.ask("xl create /odd.cfg")
