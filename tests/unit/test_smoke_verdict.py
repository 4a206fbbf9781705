"""Verdicts, their lines and exit codes, and JUnit XML that CI systems can read."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from pathlib import Path

import pytest

from democd.smoke import junit
from democd.smoke.verdict import Status, Verdict, details, exit_code, line, summary

PASSED = Verdict("dom0", "bios-cd", "passed", 25.25)
FAILED = Verdict(
    "ping", "bios-cd", "failed", 3.0, "Xen panic: <Xen BUG> & more", "sym+0x1", ("a\x00b", "\x1b")
)
NOT_POSSIBLE = Verdict("pvh-dom0", "bios-pvh", "not possible", 5.0, "needs hap", "", ("no hap",))
ERROR = Verdict("cpupool", "uefi-cd", "error", 0.0, "not reached")
INTERRUPTED = Verdict("uefi-usb", "uefi-usb", "interrupted", 0.0, "interrupted")


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([PASSED], 0),
        ([PASSED, NOT_POSSIBLE], 0),
        ([PASSED, FAILED], 1),
        ([PASSED, ERROR], 1),
        ([PASSED, INTERRUPTED], 1),
        ([NOT_POSSIBLE], 1),
        ([], 1),
    ],
)
def test_what_is_not_possible_never_counts_as_passed(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(verdicts) == code


def test_lines_for_a_person() -> None:
    assert line(PASSED) == "passed       dom0                  25.2 s"
    assert line(FAILED).endswith("3.0 s  Xen panic: <Xen BUG> & more")
    assert details(FAILED)[0] == "    where: sym+0x1"
    assert details(NOT_POSSIBLE) == ["    no hap"]
    assert details(PASSED) == []
    assert summary([PASSED, FAILED, NOT_POSSIBLE], 61.04) == (
        "1 passed, 1 failed, 1 not possible here; 61.0 s"
    )
    assert summary([], 1) == "nothing was tested; 1.0 s"


def test_junit_counts_and_tells(tmp_path: Path) -> None:
    path = tmp_path / "smoke.xml"
    junit.write(path, [PASSED, FAILED, NOT_POSSIBLE, ERROR, INTERRUPTED])
    assert [entry.name for entry in tmp_path.iterdir()] == ["smoke.xml"]
    top = Xml.parse(path).getroot()
    assert top is not None
    assert (top.tag, top.attrib["tests"], top.attrib["failures"]) == ("testsuites", "5", "1")
    assert (top.attrib["errors"], top.attrib["skipped"]) == ("2", "1")
    suites = {suite.attrib["name"]: suite for suite in top}
    assert list(suites) == ["bios-cd", "bios-pvh", "uefi-cd", "uefi-usb"]
    for suite in suites.values():
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    ping = suites["bios-cd"].find("testcase[@name='ping']/failure")
    assert ping is not None
    assert ping.attrib == {"message": "Xen panic: <Xen BUG> & more", "type": "failed"}
    assert ping.text == "where: sym+0x1\na?b\n?"
    skipped = suites["bios-pvh"].find("testcase/skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "needs hap"


@pytest.mark.parametrize("status", ["passed", "failed", "error", "not possible", "interrupted"])
def test_every_status_is_valid_for_junit(status: Status) -> None:
    """The elements and attributes that Jenkins' schema allows, and their order."""
    top = Xml.fromstring(junit.document([Verdict("c", "m", status, 1.5, "why", "", ("l",))]))
    assert top.tag == "testsuites"
    for suite in top:
        assert set(suite.attrib) == {"name", "tests", "failures", "errors", "skipped", "time"}
        for case in suite:
            assert set(case.attrib) == {"name", "classname", "time"}
            assert [child.tag for child in case] in ([], ["failure"], ["error"], ["skipped"])
