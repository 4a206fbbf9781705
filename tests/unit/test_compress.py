"""Unpacking: every way that Linux packs its kernel, and none that can hurt."""

import zlib
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from democd.errors import InputError
from democd.formats.compress import MAGICS, compression, peek, unpack
from tests.unit import crafted

CONTENT = b"070701" + b"".join(bytes([n % 251]) * (n % 97) for n in range(20_000))

SHORT = {kind: crafted.pack(kind, CONTENT[:5000]) for kind in MAGICS}


@cache
def packed_as(kind: str) -> bytes:
    """All of CONTENT; as hard as kernels are packed, it takes zstd most of a second."""
    return crafted.pack(kind, CONTENT)


@pytest.mark.parametrize("kind", MAGICS)
def test_what_was_packed_comes_out_again(kind: str) -> None:
    packed = packed_as(kind)
    assert compression(packed) == kind
    assert unpack(packed) == CONTENT


@pytest.mark.parametrize("kind", MAGICS)
def test_half_a_file_is_refused(kind: str) -> None:
    packed = packed_as(kind)
    with pytest.raises(InputError, match=f"the {kind} data"):
        unpack(packed[: len(packed) // 2])


@pytest.mark.parametrize("kind", MAGICS)
def test_the_start_is_told_from_half_a_file(kind: str) -> None:
    """An initrd is judged by its first sectors, not unpacked as a whole."""
    packed = packed_as(kind)
    assert peek(packed, 6) == b"070701"
    if kind in ("gzip", "zstd"):  # the others pack larger pieces at once
        assert peek(packed[:-20], 6) == b"070701"


@pytest.mark.parametrize("kind", MAGICS)
def test_a_file_that_would_fill_the_memory_is_refused(kind: str) -> None:
    packed = crafted.pack(kind, bytes(5 << 20))
    with pytest.raises(InputError, match="more than 1 MiB"):
        unpack(packed, 1 << 20)


def test_several_blocks_of_lz4_and_lzo_follow_each_other() -> None:
    content = zlib.compress(CONTENT) * 1200
    assert len(content) > 9 << 20
    assert unpack(crafted.pack("lz4", content)) == content
    content = content[: 1 << 20]  # a block of lzop has a quarter of this
    assert unpack(crafted.pack("lzo", content)) == content


def test_a_block_of_lzo_cannot_ask_for_all_memory() -> None:
    packed = bytearray(crafted.lzop(bytes(500)))
    packed[38:42] = b"\xff\xff\xff\xf0"  # the first block's unpacked size
    with pytest.raises(InputError, match="impossible sizes"):
        unpack(bytes(packed))


def test_what_is_not_packed_is_told_so() -> None:
    assert compression(b"plain") == ""
    with pytest.raises(InputError, match="not packed"):
        unpack(b"plain")


@pytest.mark.parametrize("kind", MAGICS)
@settings(max_examples=40)
@given(at=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_flipped_byte_does_no_worse_than_a_refusal(kind: str, at: int, change: int) -> None:
    packed = bytearray(SHORT[kind])
    packed[at % len(packed)] ^= change
    for read in (unpack, peek):
        with suppress(InputError):
            read(bytes(packed))


@pytest.mark.parametrize("kind", MAGICS)
@settings(max_examples=40)
@given(rest=st.binary(max_size=300))
def test_junk_behind_a_magic_does_no_worse_than_a_refusal(kind: str, rest: bytes) -> None:
    with suppress(InputError):
        unpack(MAGICS[kind] + rest, 1 << 22)
