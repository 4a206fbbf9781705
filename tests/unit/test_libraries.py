"""Which libraries a program needs, and what these need in turn."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from democd.errors import InputError
from democd.formats import libraries
from tests.unit import crafted

LOADER = "/lib64/ld-linux-x86-64.so.2"
NEEDS = {
    "libxl.so.4": ("libctrl.so.4", "libc.so.6"),
    "libctrl.so.4": ("libcall.so.1", "libc.so.6"),
    "libcall.so.1": ("libc.so.6",),
    "libc.so.6": ("ld-linux-x86-64.so.2",),
    "ld-linux-x86-64.so.2": (),
    "libunused.so.1": (),
}


def test_a_program_needs_its_loader_and_libraries() -> None:
    program = crafted.dynamic(["libxl.so.4", "libc.so.6"], LOADER)
    assert set(libraries.needs(program)) == {"ld-linux-x86-64.so.2", "libxl.so.4", "libc.so.6"}


def test_a_library_has_no_loader_of_its_own() -> None:
    assert libraries.needs(crafted.dynamic(["libc.so.6"])) == ("libc.so.6",)


@pytest.mark.parametrize("static", [crafted.elf_file(b"", b""), b"#!/bin/sh\n", b""])
def test_a_static_program_and_a_script_need_nothing(static: bytes) -> None:
    assert libraries.needs(static) == ()


@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_damaged_one_is_told_or_read_but_no_bug(noise: bytes, at: int) -> None:
    program = bytearray(crafted.dynamic(["libxl.so.4"], LOADER))
    program[at : at + len(noise)] = noise
    with suppress(InputError):
        assert isinstance(libraries.needs(bytes(program)), tuple)


def test_the_closure_has_all_and_no_more() -> None:
    closed = libraries.closure({"xl": ["libxl.so.4"]}, NEEDS.get)
    assert set(closed.found) == NEEDS.keys() - {"libunused.so.1"}
    assert closed.found == tuple(sorted(closed.found))
    assert closed.missing == {}


def test_what_is_missing_is_told_with_what_needs_it() -> None:
    known = {"a": ("b", "gone"), "b": ()}
    closed = libraries.closure({"program": ["a", "lost"], "other": ["b"]}, known.get)
    assert closed.found == ("a", "b")
    assert closed.missing == {"gone": "a", "lost": "program"}


def test_libraries_that_need_each_other_end() -> None:
    known = {"a": ("b",), "b": ("a", "b")}
    assert libraries.closure({"program": ["a"]}, known.get).found == ("a", "b")


names = st.sampled_from("abcdefgh")


@given(st.dictionaries(names, st.lists(names)), st.lists(names))
def test_every_name_is_either_found_or_missing(known: dict[str, list[str]], first: list) -> None:
    closed = libraries.closure({"program": first}, known.get)
    every = {*first, *(name for found in closed.found for name in known[found])}
    assert every == {*closed.found, *closed.missing}
    assert set(closed.found) <= known.keys()
    assert not closed.missing.keys() & known.keys()
