"""The cache of fetched packages."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from democd.package_cache import Cache, Kept, bytes_of, surplus


def put(cache: Cache, content: bytes, used: float, folder: Path) -> str:
    digest = hashlib.sha256(content).hexdigest()
    source = folder / "source"
    source.write_bytes(content)
    with cache.in_use():
        cache.put(digest, source)
    source.unlink()
    os.utime(cache.folder / f"{digest}.deb", (used, used))
    return digest


def nothing(said: str) -> None:
    raise AssertionError(said)


def test_the_longest_unused_go_first() -> None:
    kept = [Kept("a", 10, 30), Kept("b", 10, 10), Kept("c", 10, 20)]
    assert surplus(kept, 30) == []
    assert [item.digest for item in surplus(kept, 29)] == ["b"]
    assert [item.digest for item in surplus(kept, 10)] == ["b", "c"]
    assert [item.digest for item in surplus(kept, 10, {"b"})] == ["c", "a"]
    assert [item.digest for item in surplus(kept, 0, {"b", "a"})] == ["c"]


def test_what_is_taken_was_hashed_and_counts_as_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    digest = put(cache, b"package", 1000, tmp_path)
    target = tmp_path / "target"
    assert cache.take(digest, 7, target, nothing)
    assert target.read_bytes() == b"package"
    assert cache.kept()[0].used > 1000
    assert not cache.take("00" * 32, 7, tmp_path / "other", nothing)


@pytest.mark.parametrize("damage", [b"qackage", b"packag", b""])
def test_what_is_damaged_is_dropped_and_told(tmp_path: Path, damage: bytes) -> None:
    cache = Cache(tmp_path / "cache")
    digest = put(cache, b"package", 1000, tmp_path)
    (cache.folder / f"{digest}.deb").write_bytes(damage)
    said: list[str] = []
    assert not cache.take(digest, 7, tmp_path / "target", said.append)
    assert "damaged" in said[0]
    assert not (tmp_path / "target").exists()
    assert cache.kept() == []


def test_nothing_goes_while_a_build_uses_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    put(cache, b"package", 1000, tmp_path)
    with cache.in_use(), cache.in_use():  # two builds at once
        assert cache.prune(0) is None
    assert len(cache.kept()) == 1
    gone = cache.prune(0)
    assert gone
    assert (gone.packages, gone.size) == (1, 7)
    assert cache.kept() == []


def test_what_a_build_has_taken_stays_its_own(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    digest = put(cache, b"package", 1000, tmp_path)
    cache.take(digest, 7, tmp_path / "target", nothing)
    cache.prune(0)
    assert (tmp_path / "target").read_bytes() == b"package"


def test_what_a_killed_build_left_goes_and_other_files_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    put(cache, b"package", 1000, tmp_path)
    (cache.folder / ".new-half").write_bytes(b"pack")
    (cache.folder / "mine.txt").write_text("not the cache's")
    cache.prune(0)
    assert {path.name for path in cache.folder.iterdir()} == {"lock", "mine.txt"}


def test_a_cache_that_is_not_there_is_empty_and_stays_so(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.kept() == []
    assert cache.prune(0)
    assert not cache.folder.exists()


@pytest.mark.parametrize(
    ("text", "size"),
    [("7", 7), ("2G", 2 << 30), ("500M", 500 << 20), ("500 M", None), ("1.5G", None),
     ("3MiB", 3 << 20), ("9kb", 9 << 10), ("", None), ("-1", None), ("G", None)],
)  # fmt: skip
def test_a_size_is_read(text: str, size: int | None) -> None:
    assert bytes_of(text) == size
