"""One machine: booted once, its cases run one after the other, each with a verdict of its own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from democd.errors import BuildError
from democd.host.qemu import DEFAULT_MEMORY, Accelerator, Drive, Machine
from democd.host.running import Running, started
from democd.smoke import dom0, keep
from democd.smoke.cases import Case, Hardware
from democd.smoke.console import Console, ConsoleError
from democd.smoke.diagnosis import diagnose
from democd.smoke.disc import Disc
from democd.smoke.fatal import GRUB_ERROR
from democd.smoke.judging import judge
from democd.smoke.menu import FIRST, FIRST_WORDS, Grub
from democd.smoke.milestones import KERNEL
from democd.smoke.steps import LEAVE, NotPossibleError, do, leave
from democd.smoke.verdict import Verdict

BOOT = 300.0
"""Seconds from the start of Xen to dom0's prompt after which a boot is too slow."""

SILENCE = 45.0
"""Seconds without a byte after which a boot hangs; the longest gap of a good one is a tenth."""

ALARMS = (
    r"GNU GRUB +version",
    r"Hardware Dom0 (?:shutdown|halted)[^\r\n]*",
    r"init: cannot find the disc",
    r"THIS DISC IS DAMAGED",
    r"smoke: FAILED[^\r\n]*",
)
"""What ends every wait once Xen has been started, beside what is always fatal."""

NO_DISC = r"GRUB runs, but it cannot find the disc"


class Watcher(Protocol):
    """Who is told how it goes."""

    def stage(self, machine: str, what: str, seconds: float) -> None:
        """Take that a machine has come so far, so many seconds after it was switched on."""

    def at_work(self, machine: str, what: str) -> None:
        """Take what a machine does at the moment."""

    def verdict(self, verdict: Verdict) -> None:
        """Take that a case is over."""


@dataclass(frozen=True)
class Settings:
    """What all machines of a run share.

    Attributes:
        memory: MiB of each.
        pace: factor on every time that is waited.
        artifacts: gets a folder for each machine.
        boots: gets how long each took to boot, for reports.
    """

    artifacts: Path
    memory: int = DEFAULT_MEMORY
    pace: float = 1.0
    accel: Accelerator = "tcg"
    boots: Path | None = None


@dataclass
class Visit:
    """A machine under test, from its start on.

    Attributes:
        log: gets the serial line.
        mark: lines of it that belong to cases that are over.
        prepared: dom0 has the files for guests.
        at: where the boot or the case at work is, in words.
    """

    hardware: Hardware
    disc: Disc
    settings: Settings
    watcher: Watcher
    running: Running
    console: Console
    log: Path
    mark: int = 0
    prepared: bool = False
    at: str = ""

    def said(self) -> list[str]:
        """Return all lines so far."""
        lines = self.log.read_text(errors="replace").splitlines()
        unfinished = self.console.transcript.last(1).splitlines()
        return lines + [line for line in unfinished if line not in lines[-400:]]

    def told(self, stage: str) -> None:
        """Tell the watcher how far the machine is."""
        self.at = stage
        self.watcher.stage(self.hardware.name, stage, self.console.transcript.seconds())

    def screenshot(self, name: str = keep.SCREEN) -> None:
        """Keep the screen, if there still is one."""
        with contextlib.suppress(BuildError):
            self.running.screenshot(self.log.parent / name)


def machine_for(
    hardware: Hardware, disc: Disc, settings: Settings, others: tuple[Drive, ...] = ()
) -> Machine:
    """Return the machine, with further drives behind the disc."""
    return Machine(
        (Drive(disc.iso, hardware.attachment), *others),
        firmware=hardware.firmware,
        chipset=hardware.chipset,
        memory=settings.memory,
        cpus=hardware.cpus,
        accel=settings.accel,
    )


@contextlib.contextmanager
def opened(
    hardware: Hardware,
    machine: Machine,
    disc: Disc,
    settings: Settings,
    watcher: Watcher,
    hold: Callable[[Running], contextlib.AbstractContextManager[None]],
) -> Iterator[Visit]:
    """Start a machine and its console, and keep what is to be kept of it.

    Args:
        hardware: what its folder is named for.
        machine: what is started.
        disc: on it.
        settings: of the run.
        watcher: is told how it goes.
        hold: wraps the time in which the machine runs, so that somebody else can end it.
    """
    folder = settings.artifacts / hardware.name
    folder.mkdir(parents=True, exist_ok=True)
    keep.keep_script(machine, folder)
    log = folder / keep.LOG
    with (
        started(machine) as running,
        hold(running),
        Console.at(running.serial, log) as console,
    ):
        console.silence, console.pace = SILENCE, settings.pace
        visit = Visit(hardware, disc, settings, watcher, running, console, log)
        visit.told("started")
        try:
            yield visit
        finally:
            visit.screenshot()


def run_cases(visit: Visit, cases: tuple[Case, ...]) -> Iterator[Verdict]:
    """Boot the machine and give the verdict of each of its cases as soon as it is known."""
    begun = time.monotonic()
    try:
        boot(visit)
    except BuildError as error:
        first = _judged(visit, cases[0], error, time.monotonic() - begun)
        yield first
        yield from _rest(cases[1:], first)
        return
    for number, case in enumerate(cases):
        verdict, lost = _run_case(visit, case, begun)
        yield verdict
        if lost:
            yield from _rest(cases[number + 1 :], verdict)
            return
        begun, visit.mark = time.monotonic(), len(visit.said())


def _rest(cases: tuple[Case, ...], first: Verdict) -> Iterator[Verdict]:
    """Give the verdicts of cases that a lost machine did not come to."""
    for case in cases:
        if first.status == "not possible":
            yield replace(first, case=case.name, seconds=0.0)
        else:
            why = f"not reached: the machine was lost in {first.case}"
            yield Verdict(case.name, first.machine, "error", 0.0, why)


def boot(visit: Visit) -> None:
    """Bring a machine from its firmware to a shell in dom0.

    Raises:
        ConsoleError: it does not come so far.
        NotPossibleError: Xen says that it cannot, on this machine.
    """
    start_entry(visit)
    visit.told("Xen")
    unable = [pattern for pattern, _ in visit.hardware.unable]
    visit.console.alarms = ALARMS
    prompt = dom0.prompt_of(visit.disc)
    seen = visit.console.expect([rf"{KERNEL}|(?={prompt})", *unable], BOOT)
    if seen.index:
        _, why = visit.hardware.unable[seen.index - 1]
        raise NotPossibleError(why, f"Xen says: {seen.text}")
    visit.told("dom0's kernel")
    dom0.reach(visit.disc, visit.console, BOOT)
    visit.told("dom0's shell")


def start_entry(visit: Visit) -> None:
    """Start the disc's default entry from GRUB's menu, edited if the machine wants that."""
    console, grub = visit.console, Grub(visit.console)
    fatal = (GRUB_ERROR, NO_DISC)
    menu = console.expect([r"GNU GRUB +version", FIRST_WORDS], 180, fatal=fatal)
    visit.told("GRUB")
    if menu.index == 1 and visit.hardware.xen:
        raise ConsoleError("wrong", "the menu did not wait to be edited", "")
    if menu.index == 1:
        return
    if visit.hardware.xen:
        console.press(FIRST)  # a key stops the countdown, which can be short
    console.expect(r"automatically in|command-line", 60)
    grub.choose(visit.disc.default, visit.hardware.edits())
    visit.at = "GRUB's loading, or Xen's first steps before it says a word"
    grub.started()


def _run_case(visit: Visit, case: Case, begun: float) -> tuple[Verdict, bool]:
    """Return the verdict of a case, and whether the machine is lost for the next one."""
    visit.at = f"case {case.name}"
    visit.watcher.at_work(visit.hardware.name, case.what)
    try:
        if case.has_guests() and not visit.prepared:
            dom0.prepare(visit.disc, visit.console)
            visit.prepared = True
        for step in case.steps:
            said = "\n".join(line[10:] for line in visit.said())
            do(step, visit.console, visit.disc.facts, said)
    except BuildError as error:
        verdict = _judged(visit, case, error, time.monotonic() - begun)
        if verdict.status != "not possible":
            visit.screenshot(f"{case.name}.png")
        return verdict, not _recovered(visit)
    verdict = Verdict(case.name, case.machine, "passed", time.monotonic() - begun)
    return verdict, not _recovered(visit)


def _recovered(visit: Visit) -> bool:
    """Leave whatever a case has left open, and end its guests; say whether dom0 could."""
    trouble = diagnose(visit.said())
    if visit.running.ended(0) or (trouble and trouble.fatal and "Xen" in trouble.what):
        return False
    try:
        leave(visit.console)
        return visit.console.run(dom0.GONE, 60).status == 0
    except ConsoleError as failure:
        if failure.kind in ("panic", "ended"):
            return False
    return _recovered_by_force(visit)


def _recovered_by_force(visit: Visit) -> bool:
    try:
        visit.console.press(f"{LEAVE}\x03\r")
        visit.console.take_shell("", 10)
        return visit.console.run(dom0.GONE, 60).status == 0
    except ConsoleError:
        return False


def _judged(visit: Visit, case: Case, error: BuildError, seconds: float) -> Verdict:
    log = visit.said()[visit.mark :]
    return judge(case, error, seconds, log, visit.at, visit.hardware.unable)
