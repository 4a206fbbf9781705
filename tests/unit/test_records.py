"""Files that one run leaves for a later one: they appear whole, and a strange one is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from democd import records
from democd.host.whole import write_whole


@dataclass(frozen=True)
class Word:
    said: str


def of(found: dict[str, str]) -> Word:
    return Word(str(found["said"]))


def test_what_was_left_is_read(tmp_path: Path) -> None:
    write_whole(tmp_path / "it", records.text(3, Word("ja, ß")))
    assert records.read(tmp_path / "it", 3, 100, of) == Word("ja, ß")


@pytest.mark.parametrize(
    ("text", "most"),
    [
        pytest.param(records.text(2, Word("ja")), 100, id="another format"),
        pytest.param(records.text(3, Word("ja")), 10, id="larger than any"),
        pytest.param('{"format": 3}', 100, id="something lacks"),
        pytest.param("[]", 100, id="another shape"),
        pytest.param("[" * 20000, 100_000, id="deeper than Python goes"),
        pytest.param("ja", 100, id="no JSON"),
    ],
)
def test_what_is_no_record_is_as_good_as_none(text: str, most: int, tmp_path: Path) -> None:
    (tmp_path / "it").write_text(text)
    assert records.read(tmp_path / "it", 3, most, of) is None
    assert records.read(tmp_path / "none", 3, most, of) is None


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    it = tmp_path / "it"
    write_whole(it, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(it, "n" * 100_000 + "\udc80")
    assert it.read_text() == "old"
    assert list(tmp_path.iterdir()) == [it]
    write_whole(it, "new")
    assert it.read_text() == "new"
