"""`./build.py smoke` with real kernels: what is good passes, and what is broken is named.

A test here looks at one run; the runs are in fleet.py.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as Xml

import pytest

from tests.smoke.fleet import CI, KEPT, Fleet
from tests.support.building import PROJECT

pytestmark = pytest.mark.boot


@pytest.mark.runs("good")
def test_a_good_xen_passes(runs: Fleet) -> None:
    ran = runs["good"]
    assert ran.code == 0, ran.out + ran.err
    for case in ("dom0", "xl-info", "pv-guest"):
        assert ran.line(case).startswith("passed ")
    assert re.search(r"^3 passed; [0-9.]+ s$", ran.out, re.MULTILINE)
    top = Xml.parse(KEPT / "good.xml").getroot()
    assert top is not None
    assert [top.attrib[name] for name in ("tests", "failures", "errors")] == ["3", "0", "0"]
    log = (ran.kept / "bios-cd/serial.log").read_text()
    assert re.search(r"^\[ +[0-9.]+\] \(XEN\) Xen version ", log, re.MULTILINE)
    assert (ran.kept / "bios-cd/screen.png").stat().st_size > 1000
    assert os.access(ran.kept / "bios-cd/qemu.sh", os.X_OK)
    marks = json.loads((ran.kept / "bios-cd/boot.json").read_text())["milestones"]
    assert list(marks) == ["firmware", "GRUB", "Xen", "dom0's kernel", "dom0's init", "prompt"]
    assert list(marks.values()) == sorted(marks.values())


@pytest.mark.runs("cases")
def test_cases_pass_or_are_not_possible(runs: Fleet) -> None:
    ran = runs["cases"]
    assert ran.code == 0, ran.out + ran.err
    for case in ("ping", "save-restore", "uefi-cd", "cpupool", "uefi-usb", "bios-usb"):
        assert ran.line(case).startswith("passed ")


@pytest.mark.runs("cases")
def test_what_the_processor_cannot_is_never_passed(runs: Fleet) -> None:
    log = (runs["cases"].kept / "bios-pvh/serial.log").read_text()
    if "Hardware Assisted Paging (HAP) detected" in log:
        pytest.skip("this processor has nested paging")
    for case, reason in (("pvh-guest", "hap"), ("pvh-dom0", "nested paging (hap)")):
        line = runs["cases"].line(case)
        assert line.startswith("not possible ")
        assert reason in line


@pytest.mark.runs("full")
def test_the_full_disc_passes_too(runs: Fleet) -> None:
    assert runs["full"].code == 0, runs["full"].out + runs["full"].err
    assert runs["full"].line("pv-guest").startswith("passed ")


@pytest.mark.runs("no-dom0", "short")
def test_what_cannot_work_is_refused_before_a_boot(runs: Fleet) -> None:
    for name, told in (("no-dom0", "this kernel cannot be dom0"), ("short", "cut short")):
        ran = runs[name]
        assert ran.code == 2, ran.out + ran.err
        assert told in ran.err
        assert ran.out == ""


@pytest.mark.runs("damaged")
def test_a_damaged_xen_hangs_or_restarts_without_a_word(runs: Fleet) -> None:
    ran = runs["damaged"]
    assert ran.code == 1, ran.out + ran.err
    line = ran.line("dom0")
    assert line.startswith("failed ")
    assert re.search("it hangs|started anew|Xen panic", line)
    assert ran.line("pv-guest").startswith("error "), "not reached"


@pytest.mark.runs("xen-panics")
def test_a_panic_of_xen_is_named(runs: Fleet) -> None:
    ran = runs["xen-panics"]
    assert ran.code == 1, ran.out + ran.err
    assert re.search(r"^failed +dom0 .* Xen panic: \S", ran.line("dom0"))
    assert "| [" in ran.out
    assert "Panic on CPU 0" in ran.out


@pytest.mark.runs("dom0-panics")
def test_a_panic_of_dom0_is_named_and_located(runs: Fleet) -> None:
    ran = runs["dom0-panics"]
    assert ran.code == 1, ran.out + ran.err
    assert "dom0 kernel panic: " in ran.line("dom0")
    assert re.search(r"^    where: \w+\+0x", ran.out, re.MULTILINE)


@pytest.mark.runs("no-modules")
def test_an_initrd_without_modules_is_told(runs: Fleet) -> None:
    ran = runs["no-modules"]
    assert ran.code == 1, ran.out + ran.err
    assert "dom0's init: smoke: FAILED" in ran.line("dom0")


@pytest.mark.runs("images")
def test_test_kernels_as_guests_have_a_verdict_each(runs: Fleet) -> None:
    ran = runs["images"]
    assert ran.code == 1, ran.out + ran.err
    expected = {"success": "passed ", "skip": "not possible ", "failure": "failed ",
                "crash": "failed ", "hang": "failed "}  # fmt: skip
    for outcome, status in expected.items():
        assert ran.line(f"test-pv64-{outcome}").startswith(status)
    assert ran.line("test-pv64-failure").endswith("the test itself says: FAILURE")
    assert "the guest crashed: " in ran.line("test-pv64-crash")
    assert "it hangs" in ran.line("test-pv64-hang"), "a guest that never answers"


@pytest.mark.runs("modules")
def test_test_kernels_in_dom0s_place_have_a_verdict_each(runs: Fleet) -> None:
    ran = runs["modules"]
    assert ran.code == 1, ran.out + ran.err
    assert ran.line("test-pv64-success").startswith("passed ")
    assert ran.line("test-pv64-failure").endswith("the test itself says: FAILURE")
    assert "dom0 crashed: d0v0 Unhandled: vec 6, #UD" in ran.line("test-pv64-crash")
    assert not (PROJECT / "dist/xentest.iso").exists()


@pytest.mark.runs(CI)
def test_the_ci_examples_work(runs: Fleet) -> None:
    ran = runs[CI]
    assert ran.code == 0, ran.out + ran.err
    assert Xml.parse(ran.kept / "junit.xml").getroot() is not None
    assert (ran.kept / "bios-cd/serial.log").is_file()
