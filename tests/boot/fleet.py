"""Boots many machines, two at a time, ahead of the tests that ask for their results.

A case is a machine, the way through GRUB, and checks on what has come up. A machine is booted once
for all its checks; each check is a test of its own in pytest's report.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from democd.errors import BuildError
from democd.host.qemu import Drive, Machine, Nic, accelerator
from democd.host.running import Running, started
from democd.smoke.console import Console, ConsoleError
from democd.smoke.menu import Edit, Entry, Grub, find, menu_of
from tests.boot.media import Media
from tests.boot.serving import Server, serving
from tests.support.lanes import LANE, PACE

# The log-in is there before the last services are: wait for those too, and for the drivers that
# udev loads: one of them may yet change the screen's mode. To ask again and again would take long.
_SETTLED = "timeout 600 systemctl is-system-running --wait; udevadm settle --timeout=120"


@dataclass
class Visit:
    """A machine that is up, as the checks meet it.

    Attributes:
        greeting: what the log-in showed.
        folder: for screenshots.
        server: the web server of a machine that a network starts.
    """

    case: Case
    running: Running
    console: Console
    folder: Path
    log: Path
    greeting: str = ""
    server: Server | None = None

    def screenshot(self, what: str) -> Path:
        return self.running.screenshot(self.folder / f"{self.case.name}-{what}.png")

    def server_asked(self) -> list[str]:
        """Return the paths that the machine asked the web server for."""
        assert self.server
        return self.server.asked


Check = Callable[[Visit], object]


Drives = Callable[[Media], tuple[Drive, ...]]
Menu = tuple[Entry, ...]


def disc_at(attachment: str) -> Drives:
    """Return what makes the disc the only drive, attached so."""
    return lambda media: (Drive(media.iso, attachment),)


CD = disc_at("cdrom")


@dataclass(frozen=True)
class Case:
    """A boot.

    Attributes:
        entry: the menu entry's name in the recipe; "" waits for the countdown.
        edits: what is typed into the entry first.
        user: who logs in on the console; "" nobody does: the checks follow the boot themselves.
        cards: models of network cards; the first has ports forwarded to it.
        settled: whether the checks want all services to be up, not only a log-in.
        disc: the fixture that is the disc.
        netboot: whether a network starts it, without any drive.
        wrong: the layer that the web server has wrong at first.
    """

    name: str
    checks: tuple[Check, ...]
    drives: Drives = CD
    firmware: str = "bios"
    chipset: str = "pc"
    memory: int = 700
    entry: str = ""
    edits: tuple[Edit, ...] = ()
    user: str = "root"
    cards: tuple[str, ...] = ("e1000",)
    settled: bool = True
    disc: str = "iso"
    netboot: bool = False
    wrong: str = ""

    def machine(self, media: Media, served: Path | None = None) -> Machine:
        first, *others = self.cards
        image = "uefi.efi" if self.firmware == "uefi" else "bios.0"
        return Machine(
            () if served else self.drives(media),
            firmware=self.firmware,  # type: ignore[arg-type]
            chipset=self.chipset,  # type: ignore[arg-type]
            memory=self.memory,
            nics=(Nic(first, (22, 2201), served, image), *map(Nic, others)),
            accel=accelerator(),
        )


@dataclass
class Report:
    """What became of a case: why it did not come up, and each check's finding or failure.

    Failures are kept as text: a traceback would hold on to the machine."""

    log: Path
    trouble: str = ""
    told: bool = False
    seconds: float = 0.0
    findings: dict[str, object] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class Fleet:
    """The boots of a session.

    Args:
        folder: where logs and screenshots are put, and the media that are made for the boots.
        pool: has the queue.
    """

    def __init__(self, folder: Path, pool: Executor) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._pool = pool
        self._running: list[Running] = []
        self._closing = False
        self._reports: dict[str, Future[Report]] = {}

    def hold(self, until: Callable[[], object]) -> None:
        """Keep a lane empty until something is over; called before any boot is queued."""

        def wait() -> None:
            with LANE:
                until()

        self._pool.submit(wait)

    def sail(self, name: str, iso: Path, cases: Iterable[Case]) -> None:
        """Queue the boots of a disc, which goes by that name."""
        media, menu = Media(iso, self.folder / f"media-{name}"), menu_of(iso)
        for case in cases:
            self._reports[case.name] = self._pool.submit(self._sail, case, media, menu)

    def report(self, name: str) -> Report:
        """Wait for a case, and return what became of it."""
        return self._reports[name].result()

    def close(self) -> None:
        """End what still runs; nobody waits for it any more."""
        self._closing = True
        for report in self._reports.values():
            report.cancel()
        for running in list(self._running):
            running.stop()

    def _sail(self, case: Case, media: Media, menu: Menu) -> Report:
        report = Report(self.folder / f"{case.name}.log")
        try:
            with LANE:
                if not self._closing:
                    self._boot(case, media, menu, report)
        except BaseException as error:  # told by the tests of this case
            report.trouble = _told(error)
        return report

    def _boot(self, case: Case, media: Media, menu: Menu, report: Report) -> None:
        with contextlib.ExitStack() as stack:
            server = None
            if case.netboot:
                served = self.folder / f"served-{case.name}"
                server = stack.enter_context(serving(media.iso, served, case.wrong))
            running = stack.enter_context(
                started(case.machine(media, server.folder if server else None))
            )
            console = stack.enter_context(Console.at(running.serial, report.log))
            console.pace = PACE
            self._running.append(running)
            visit = Visit(case, running, console, self.folder, report.log, server=server)
            try:
                self._come_up(visit, menu)
                report.seconds = console.transcript.seconds()
                for check in case.checks:
                    _look(check, visit, report)
            except BaseException:
                _try_screenshot(visit, "failed")
                raise
            finally:
                self._running.remove(running)

    def _come_up(self, visit: Visit, menu: Menu) -> None:
        grub = Grub(visit.console)
        grub.wait_for_menu()
        visit.console.expect("automatically in", 60)  # the countdown starts when all is drawn
        time.sleep(0.5)
        visit.screenshot("menu")
        if visit.case.entry:
            grub.choose(find(menu, visit.case.entry), visit.case.edits)
        if visit.case.user:
            grub.started()
            visit.greeting = visit.console.login(visit.case.user)
            if visit.case.settled:
                visit.console.run(_SETTLED, 800)


def _look(check: Check, visit: Visit, report: Report) -> None:
    try:
        report.findings[check.__name__] = check(visit)
    except Exception as error:
        report.failures[check.__name__] = _told(error)
        _try_screenshot(visit, f"{check.__name__}-failed")
        if isinstance(error, ConsoleError) and error.kind in ("panic", "ended"):
            raise  # the machine is lost: the other checks would only time out


def _told(error: BaseException) -> str:
    """Return a failure as a person reads it."""
    if isinstance(error, BuildError):
        return f"{error.message}\n{error.hint}"
    return "".join(traceback.format_exception(error))


def _try_screenshot(visit: Visit, what: str) -> None:
    with contextlib.suppress(BuildError):  # the machine may be gone; its log tells
        visit.screenshot(what)


def finding(report: Report, check: Check) -> Any:
    """Return what a check found, or fail as it did.

    A boot that did not come up is told in full once, by the first of its checks.
    """
    name = check.__name__
    if name in report.findings:
        return report.findings[name]
    told = report.failures.get(name, "")
    if not told and not report.told:
        told, report.told = report.trouble, True
    pytest.fail(
        f"{told or 'not reached: this boot failed before'}\nsee {report.log}", pytrace=False
    )
