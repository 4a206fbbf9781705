"""The smoke disc: one boot to its prompt, and all that a tester does there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.host.qemu import Drive, Machine, accelerator
from democd.host.running import Running, started
from democd.smoke.console import Console
from democd.smoke.transcript import plain
from tests.support.building import BUILD

pytestmark = pytest.mark.boot

ARTIFACTS = BUILD / "boot-tests"
PROMPT = r"smoke# "
GUESTS = "/etc/xen/guests"
LEAVE = "\x1d"  # Ctrl-]


class Bench:
    """The machine at its prompt; `log` has all that its serial line said."""

    def __init__(self, running: Running, console: Console, log: Path) -> None:
        self.running = running
        self.console = console
        self.log = log

    def ask(self, command: str, timeout: float = 120) -> str:
        """Type a command, and return what it prints."""
        self.console.press(f"{command}\r")
        said = plain(self.console.expect(PROMPT, timeout).before)
        return said.partition("\n")[2].strip()

    def in_guest(self, name: str, command: str, timeout: float = 120) -> str:
        """Type a command in a guest, and return what it prints."""
        prompt = rf"{name}:[~/]# "
        self.console.press(f"xl console {name}\r")
        self.console.expect(f"xl console {name}", 30)
        self.console.press("\r")
        self.console.expect(prompt, timeout)
        # The guest may have shown its prompt already: an answer then comes behind an empty line.
        self.console.press(f"{command}; echo over\r")
        said = plain(self.console.expect(r"\nover\r", timeout).before)
        self.console.press(LEAVE)
        self.console.expect(PROMPT, 30)
        return said


@pytest.fixture(scope="module")
def bench(smoke_iso: Path) -> Iterator[Bench]:
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    log = ARTIFACTS / "smoke-disc.log"
    machine = Machine((Drive(smoke_iso),), nics=(), accel=accelerator())
    with (
        started(machine) as running,
        Console.at(running.serial, log) as console,
    ):
        console.expect("automatically in", 60)
        console.expect(PROMPT, 300)
        yield Bench(running, console, log)


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
