import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from democd.errors import BuildError
from democd.formats import cpio

names = st.lists(st.sampled_from(["a", "b-1", "etc", "ü"]), min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(names, st.binary(max_size=9), max_size=6))
def test_what_is_packed_is_read_back(contents: dict[str, bytes]) -> None:
    # A path that is a folder of another cannot be a file as well.
    leaves = {n: d for n, d in contents.items() if not any(o.startswith(n + "/") for o in contents)}
    entries = cpio.unpack(cpio.pack([cpio.file(n, d) for n, d in leaves.items()], 0))
    assert {e.name: e.data for e in entries if stat.S_ISREG(e.mode)} == leaves


def test_folders_stand_before_what_is_in_them() -> None:
    entries = cpio.unpack(cpio.pack([cpio.file("a/b/c", b""), cpio.file("a-b", b"")], 0))
    assert [e.name for e in entries] == ["a", "a/b", "a/b/c", "a-b"]
    assert [e.is_folder() for e in entries] == [True, True, False, False]


def test_order_of_entries_does_not_change_the_bytes() -> None:
    entries = [cpio.file("x", b"1"), cpio.symlink("y", "x"), cpio.folder("z")]
    assert cpio.pack(entries, 7) == cpio.pack(reversed(entries), 7)


def test_nothing_of_the_host_is_in_the_archive() -> None:
    header = cpio.pack([cpio.file("x", b"abc", 0o755)], 0x12345678)[: cpio.HEADER_SIZE]
    assert header == b"070701" + b"".join(
        b"%08X" % v for v in (1, 0o100755, 0, 0, 1, 0x12345678, 3, 0, 0, 0, 0, 2, 0)
    )


def test_a_device_keeps_its_numbers() -> None:
    (entry,) = [
        e
        for e in cpio.unpack(cpio.pack([cpio.character_device("dev/null", 1, 3)], 0))
        if not e.is_folder()
    ]
    assert stat.S_ISCHR(entry.mode)
    assert entry.device == (1, 3)


def test_one_path_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        cpio.pack([cpio.file("x", b"1"), cpio.folder("x")], 0)


@pytest.mark.parametrize("name", ["", "/x", "../x", "a//b", "a/", "./x"])
def test_a_path_that_is_not_plain_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        cpio.pack([cpio.file(name, b"")], 0)


@pytest.mark.parametrize("keep", [0, 50, 113, 120])
def test_a_cut_archive_is_told(keep: int) -> None:
    archive = cpio.pack([cpio.file("x", b"12345678")], 0)
    with pytest.raises(BuildError, match="cut short"):
        cpio.unpack(archive[:keep])


def test_another_file_is_told() -> None:
    with pytest.raises(BuildError, match="not a newc"):
        cpio.unpack(b"!" * 200)
