"""Host programs: a missing one is named with the Debian package that has it."""

from __future__ import annotations

import pytest

from democd.errors import BuildError, Mistakes
from democd.host import tools


def test_every_line_of_the_table_is_a_tool() -> None:
    known = tools.known_tools()
    assert len({tool.name for tool in known}) == len(known) > 10
    assert {tool.level for tool in known} == {"build", "test"}


def test_a_program_is_found_even_where_path_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert tools.find_tool("sh").endswith("/sh")
    assert tools.find_tool("./build.py") == "./build.py"


def test_missing_programs_are_told_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tools, "SEARCH_PATH", "/nowhere")
    with pytest.raises(Mistakes) as caught:
        tools.require(["mcopy", "mmdebstrap"])
    assert caught.value.mistakes == (
        ("mcopy is not installed", "apt install mtools (or: make setup)"),
        ("mmdebstrap is not installed", "apt install mmdebstrap (or: make setup)"),
    )
    with pytest.raises(BuildError, match="mcopy is not installed"):
        tools.find_tool("mcopy")
