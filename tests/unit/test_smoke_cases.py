"""The smoke cases: the table, what is chosen of it, and its steps against scripted speech."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from democd.smoke import steps
from democd.smoke.cases import CASES, MACHINES, Hardware
from democd.smoke.console import Console, ConsoleError
from democd.smoke.dom0 import WAYS
from democd.smoke.run import SmokeOptions, chosen, listing, mistakes_in
from democd.smoke.steps import (
    FailureSaidError,
    Need,
    NotPossibleError,
    NoVerdictError,
    Run,
    Said,
    Trial,
    Type,
    do,
    result_of,
)
from tests.unit.test_console import failure, speaking

FACTS = {"xen_version": "4.20.5-pre", "build_id": "57", "dom0_release": "6.12.1+deb13",
         "guest_release": "6.12.1-cloud"}  # fmt: skip


def test_names_are_unique_and_machines_known() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {case.machine for case in CASES} == set(MACHINES)


def test_what_the_issue_asks_for_is_there() -> None:
    names = {case.name for case in CASES}
    assert names >= {
        "dom0", "xl-info", "pv-guest", "ping", "save-restore", "cpupool", "pvh-guest", "pvh-dom0",
        "uefi-cd", "uefi-usb",
    }  # fmt: skip
    assert all(case.name in listing() for case in CASES)


def test_quick_cases_share_one_boot() -> None:
    assert {case.machine for case in chosen(())} == {"bios-cd"}
    assert chosen(["all"]) == CASES
    assert [case.name for case in chosen(["ping", "dom0"])] == ["dom0", "ping"]


def test_patterns_compile_and_name_facts_that_a_disc_has() -> None:
    for case in CASES:
        for step in case.steps:
            for pattern in _patterns(step):
                whole = steps.filled(pattern, FACTS, pattern=True)
                re.compile(whole)
                assert not re.search(r"(?<!\?P)<[a-z_0-9]+>", whole), whole


def _patterns(step: steps.Step) -> list[str]:
    match step:
        case Run() | Said():
            return [*step.comes, *step.never]
        case Type():
            return [step.comes, *step.never]
        case Need():
            return [step.comes]
    return []


def test_both_kinds_of_disc_give_a_shell() -> None:
    assert set(WAYS) == {"smoke", "full"}


def test_xen_is_given_words_by_editing_the_menu() -> None:
    assert Hardware("x").edits() == ()
    assert Hardware("x", xen="dom0=pvh").edits()[0].append == "dom0=pvh"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    options = SmokeOptions(
        names=("dom0", "dom1"), junit=tmp_path / "no/x.xml", artifacts=tmp_path / "no/dir",
        jobs=0, timeout=0, memory=5,
    )  # fmt: skip
    told = "\n".join(what for what, _ in mistakes_in(options))
    assert len(mistakes_in(options)) == 6
    for word in ("'dom1'", "--junit", "--artifacts", "--jobs 0", "--timeout 0", "--memory 5"):
        assert word in told
    assert mistakes_in(SmokeOptions()) == []


# --- steps ----------------------------------------------------------------------------------------


def test_what_was_said_is_compared_with_the_discs_facts() -> None:
    console: Console = None  # type: ignore[assignment]  # this step asks nobody
    said = "(XEN) Xen version 4.20.5-pre (Debian)\n[1.0] BUG: unable to handle page fault\n"
    do(Said(comes=("Xen version <xen_version> ",)), console, FACTS, said)
    with pytest.raises(ConsoleError, match=r"does not say .*4\\\.21"):
        do(Said(comes=("Xen version <xen_version>",)), console, {"xen_version": "4.21"}, said)
    with pytest.raises(ConsoleError, match="unable to handle"):
        do(Said(never=("^.*BUG: unable to handle",)), console, FACTS, said)


def test_typing_waits_for_what_must_come_and_not_for_what_must_not() -> None:
    with speaking("guest1:~# ") as console:
        do(Type("\r", r"[~/] ?# ", within=5), console, FACTS, "")
    with speaking("libxl: error: no memory\r\n") as console:
        caught = failure(lambda: do(Type("\r", "# ", ("error: ",), 5), console, FACTS, ""))
    assert "error" in caught.message


def test_a_test_kernel_that_ends_without_a_result_failed() -> None:
    with speaking("Parsing config\r\n<over>\r\n") as console:
        caught = failure(lambda: do(Trial("/tmp/x.cfg", 5), console, FACTS, ""))
    assert (caught.kind, caught.message) == ("ended", "it ended without a result")


def test_a_test_kernel_that_says_nothing_is_silent() -> None:
    with speaking("Parsing config\r\n") as console:
        caught = failure(lambda: do(Trial("/tmp/x.cfg", 0.9), console, FACTS, ""))
    assert caught.kind == "silent"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("SKIP", NotPossibleError), ("ERROR", NoVerdictError), ("FAILURE", FailureSaidError),
     ("CRASH", FailureSaidError)],
)  # fmt: skip
def test_results_of_test_kernels(word: str, expected: type[Exception]) -> None:
    with pytest.raises(expected, match=word):
        result_of(word)
    result_of("SUCCESS")
