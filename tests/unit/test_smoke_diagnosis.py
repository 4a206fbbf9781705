"""What serial logs tell: recorded from real boots (serial/), and short ones made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.smoke.cases import CASES, MACHINES
from democd.smoke.console import ConsoleError
from democd.smoke.diagnosis import diagnose, excerpt
from democd.smoke.judging import judge
from democd.smoke.milestones import read
from democd.smoke.steps import FailureSaidError, NotPossibleError, NoVerdictError
from democd.smoke.verdict import Verdict

SERIAL = Path(__file__).with_name("serial")
CASE = CASES[0]


def recorded(name: str) -> list[str]:
    return (SERIAL / f"{name}.log").read_text().splitlines()


def timed(*lines: str) -> list[str]:
    return [f"[{number:7.1f}] {line}" for number, line in enumerate(lines, 1)]


RECORDED = {
    "dom0-panic": (
        "dom0 kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)",
        "mount_root_generic+0x1ce/0x270",
    ),
    "dom0-crash": ("dom0 crashed: d0v0 Unhandled: vec 6, #UD[ffffffff]", "ffffffff80100003"),
    "guest-crash": ("the guest crashed: d1v0 Unhandled: vec 6, #UD[ffffffff]", "ffffffff80100003"),
    "xen-panic": (
        "Xen panic: Xen BUG at arch/x86/pv/dom0_build.c:1033",
        "arch/x86/pv/dom0_build.c#dom0_construct+0x1b11/0x1b90 (ffff82d0403f7631)",
    ),
    "disc-not-found": ("dom0's initrd does not find the disc XENDEMO", "rootfs/init"),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_troubles_are_named_and_located(name: str) -> None:
    trouble = diagnose(recorded(name))
    assert trouble
    assert (trouble.what, trouble.where) == RECORDED[name]


@pytest.mark.parametrize("name", ["xen-silent", "test-failure"])
def test_logs_without_a_panic_have_none(name: str) -> None:
    assert diagnose(recorded(name)) is None


@pytest.mark.parametrize(
    ("lines", "what", "where"),
    [
        (
            ("(XEN) Assertion 'x > 0' failed at common/sched/core.c:123",
             "(XEN) ----[ Xen-4.20 x86_64 debug=y ]----",
             "(XEN) RIP:    e008:[<ffff82d040233f5c>] common/sched/core.c#schedule+0x1c/0x30",
             "(XEN) ****************************************", "(XEN) Panic on CPU 0:",
             "(XEN) Assertion 'x > 0' failed at common/sched/core.c:123",
             "(XEN) ****************************************"),
            "Xen panic: Assertion 'x > 0' failed at common/sched/core.c:123",
            "common/sched/core.c#schedule+0x1c/0x30 (ffff82d040233f5c)",
        ),
        (
            ("(XEN) [2026-01-01 10:00:00] Panic on CPU 1:",
             "(XEN) [2026-01-01 10:00:00] Could not construct domain 0",
             "(XEN) [2026-01-01 10:00:00] *****"),
            "Xen panic: Could not construct domain 0", "",
        ),
        (("ERR: Not a 64-bit CPU!",), "Xen's first steps: ERR: Not a 64-bit CPU!", ""),
        (
            ("error: file `/boot/xen.gz' not found.",),
            "GRUB: error: file `/boot/xen.gz' not found.", "",
        ),
        (
            ("BdsDxe: No bootable option or device was found.",),
            "the firmware: BdsDxe: No bootable option or device was found.", "",
        ),
        (
            ('BdsDxe: starting Boot0001 "EFI Internal Shell" from Fv(7CB8BDC9)',),
            'the firmware: BdsDxe: starting Boot0001 "EFI Internal Shell" from Fv(7CB8BDC9)', "",
        ),
        (
            ("[    8.1] BUG: unable to handle page fault for address: 0000000000000010",
             "[    8.2] Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI",
             "[    8.3] RIP: e030:xen_blk_probe+0x10/0x20",
             "[    8.4] Kernel panic - not syncing: Fatal exception",
             "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds."),
            "dom0 kernel panic: Fatal exception (BUG: unable to handle page fault for address: "
            "0000000000000010)",
            "xen_blk_probe+0x10/0x20",
        ),
        (
            ("[    8.1] BUG: unable to handle page fault for address: 0000000000000010",
             "[    8.3] RIP: e030:xen_blk_probe+0x10/0x20"),
            "dom0 kernel oops: BUG: unable to handle page fault for address: 0000000000000010",
            "xen_blk_probe+0x10/0x20",
        ),
        (
            ("Kernel panic - not syncing: Attempted to kill init!",),
            "kernel panic: Attempted to kill init!", "",
        ),
        (
            ("GNU GRUB  version 2.12", "Loading Xen 4.20 ...", "(XEN) Xen version 4.20",
             "(XEN) Using scheduler: credit2", "GNU GRUB  version 2.12"),
            "the machine started anew without a word (a triple fault?)",
            "after: Using scheduler: credit2",
        ),
        (
            ("init: cannot find the disc. Looked for the volume XENDEMO on:",
             "init:     /dev/sr0, 12 MiB, volume 'OTHER'"),
            "dom0's initrd cannot find the disc (it sees /dev/sr0, 12 MiB, volume 'OTHER')",
            "rootfs/init",
        ),
        (
            ("smoke: FAILED with status 1: xenstored --pid-file /run/xenstored.pid",),
            "dom0's init: smoke: FAILED with status 1: xenstored --pid-file /run/xenstored.pid", "",
        ),
    ],
)  # fmt: skip
def test_troubles_are_named_and_located(lines: tuple[str, ...], what: str, where: str) -> None:
    trouble = diagnose(timed(*lines))
    assert trouble
    assert (trouble.what, trouble.where) == (what, where)


def test_the_lines_around_are_shown_without_the_menu() -> None:
    log = timed(*(f"line {number}" for number in range(90)), "", "+" + "-" * 40 + "+")
    shown = excerpt(log, 88)
    assert shown[-1].endswith("line 89")
    assert any(line.endswith("line 80") for line in shown)
    assert not any(line.endswith("line 20") for line in shown)


# --- what it means for a case ---------------------------------------------------------------------


def judged(error: BuildError, log: list[str], machine: str = "bios-cd") -> Verdict:
    return judge(CASE, error, 9.0, log, "dom0's kernel", MACHINES[machine].unable)


def test_a_hang_a_slow_boot_and_a_panic_are_told_apart() -> None:
    waiting = " (waiting for smoke# )"
    quiet, slow = (
        judged(ConsoleError(kind, words + waiting, ""), recorded("xen-silent"))  # type: ignore[arg-type]
        for kind, words in (
            ("silent", "silent for 45 s, it hangs"),
            ("slow", "not seen within 300 s"),
        )
    )
    assert quiet.why == "it hangs: silent for 45 s (smoke#  was to come)"
    assert quiet.where == "in dom0's kernel"
    assert quiet.lines[-1].endswith("Loading Linux 6.12.118+deb13-amd64 ...")
    assert slow.why.startswith("too slow, though it still talks: not seen within 300 s")
    panic = judged(ConsoleError("panic", "the machine failed", ""), recorded("dom0-panic"))
    assert panic.why == RECORDED["dom0-panic"][0]
    assert {quiet.status, slow.status, panic.status} == {"failed"}


def test_a_trouble_that_the_machine_lives_through_does_not_hide_a_wrong_answer() -> None:
    error = ConsoleError("wrong", "`xl info` does not say 4.21", "xen_version : 4.20")
    log = timed("libxl: error: libxl_x.c:1: some older trouble")
    assert judged(error, log).why == "`xl info` does not say 4.21"
    assert judged(error, log).lines == ("xen_version : 4.20",)
    assert judged(error, recorded("dom0-panic")).why == RECORDED["dom0-panic"][0]


def test_an_oops_that_dom0_lives_through_fails_by_its_own_name() -> None:
    error = ConsoleError("wrong", "the serial line says 'BUG: unable to handle'", "")
    log = timed("[ 8.1] BUG: unable to handle page fault", "[ 8.3] RIP: e030:probe+0x10/0x20")
    verdict = judged(error, log)
    assert verdict.why == "dom0 kernel oops: BUG: unable to handle page fault"
    assert verdict.where == "probe+0x10/0x20"


def test_a_machine_that_cannot_is_told_by_xens_own_words() -> None:
    error = ConsoleError("panic", "the machine failed: Panic on CPU 0", "")
    log = timed("(XEN) HVM: Hardware Assisted Paging (HAP) not detected", "(XEN) Panic on CPU 0:")
    verdict = judged(error, log, "bios-pvh")
    assert (verdict.status, verdict.why) == (
        "not possible", "a PVH dom0 needs a processor with nested paging (hap)",
    )  # fmt: skip
    assert judged(error, log).status == "failed", "on a machine that needs no HAP"
    assert judged(NotPossibleError("no", "said"), []).status == "not possible"
    halted = timed("Test result: FAILURE", "(XEN) Hardware Dom0 halted: halting machine")
    assert judged(FailureSaidError("it says: FAILURE"), halted).why == "it says: FAILURE"
    assert judged(NoVerdictError("the test itself says: ERROR"), []).status == "error"


def test_milestones_are_read_from_the_log() -> None:
    log = [
        "[    1.0] GNU GRUB  version 2.12",
        "[    3.5] (XEN) Xen version 4.20.5-pre (Debian)",
        "[    9.4] (XEN) Freed 656kB init memory",
        "[   12.8] [    0.000000] Linux version 6.12.118+deb13-amd64",
        "[   20.1] smoke: ready after 8.1 s of Linux",
        "[   20.2] smoke# ",
    ]
    assert read(log, "smoke# ") == {
        "firmware": 0.0, "GRUB": 1.0, "Xen": 3.5, "dom0's kernel": 9.4, "dom0's init": 20.1,
        "prompt": 20.2,
    }  # fmt: skip
