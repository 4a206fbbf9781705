"""What a person sees while a build works."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from democd.host.progress import Reporter


def on_a_terminal() -> tuple[Reporter, io.StringIO]:
    shown = io.StringIO()
    reporter = Reporter()
    reporter.console = Console(file=shown, force_terminal=True, width=100, highlight=False)
    return reporter, shown


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def work(reporter: Reporter) -> None:
    with reporter.step("root", "Debian trixie") as step:
        step.at(1, 2)
        step.now("Get:1 [/odd] unpacking [123 kB]")
        step.says("237 packages")


def test_each_step_is_a_plain_line_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    work(Reporter())
    out, err = capsys.readouterr()
    assert out == "", "standard output is for results"
    assert re.fullmatch(r"  root +\d+\.\d s  Debian trixie: 237 packages\n", err)


def test_the_running_step_is_live_on_a_terminal() -> None:
    reporter, shown = on_a_terminal()
    with reporter.step("root", "Debian trixie") as step:
        step.now("Get:1 [/odd] unpacking [123 kB]")
        step.at(1, 2)
    text = plain(shown.getvalue())
    assert "Get:1 [/odd] unpacking [123 kB]" in text
    assert "━" in text
    assert re.search(r"root +\d+\.\d s  Debian trixie\n", text)


def test_a_step_that_fails_is_told_as_unfinished(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(reporter: Reporter) -> None:
        with reporter.step("root", "Debian trixie") as step:
            step.says("237 packages")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail(Reporter())
    assert "Debian trixie: not finished" in capsys.readouterr().err


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(quiet=True)
    work(reporter)
    reporter.say("done")
    reporter.shares(ROWS)
    assert capsys.readouterr() == ("", "")


ROWS = (("system  50.0 MB  50.0 %", 50.0), ("texts [dim]", 0.0))


def test_shares_are_lines_and_on_a_terminal_bars(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter().shares(ROWS)
    assert capsys.readouterr().err == "  system  50.0 MB  50.0 %\n  texts [dim]\n"
    reporter, shown = on_a_terminal()
    reporter.shares(ROWS)
    first, second = plain(shown.getvalue()).splitlines()
    assert re.fullmatch(r"  system  50\.0 MB  50\.0 % +█{12} *", first)
    assert second.strip() == "texts [dim]"
