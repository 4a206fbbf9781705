"""The options that tell where packages come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from democd import cli
from democd.cli import supply
from democd.errors import BuildError, Mistakes
from democd.supply import Supply
from tests.support.building import PROJECT


def given(*words: str) -> Supply:
    return supply.given(cli.parser().parse_args(["build", *words]))


def test_without_options_the_mirror_or_the_kept_list_is_asked() -> None:
    assert given() == Supply()


def test_the_lock_lies_beside_its_recipe() -> None:
    assert given("--locked").lock == PROJECT / "democd.lock"
    assert given("--recipe", "mine/small.toml", "--locked").lock == Path("mine/small.lock")
    assert given("--profile", "smoke", "--locked").lock == PROJECT / "profiles/smoke.lock"
    assert given("--locked", "old.lock", "--profile", "smoke").lock == Path("old.lock")
    smoke = cli.parser().parse_args(["smoke", "--locked", "--offline"])
    assert supply.given(smoke, "smoke").lock == PROJECT / "profiles/smoke.lock"


def test_all_options_arrive() -> None:
    told = given("--locked", "l", "--snapshot", "2026-11-26", "--cache", "c", "--cache-size", "5K")
    assert told == Supply(
        lock=Path("l"), snapshot="20261126T000000Z", cache=Path("c"), bound=5 << 10
    )
    assert given("--offline", "--locked", "l") == Supply(offline=True, lock=Path("l"))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("--refresh --locked", 1),
        ("--refresh --offline", 1),
        ("--snapshot 2026 --offline", 2),
        ("--refresh --locked --offline --snapshot x", 4),
    ],
)
def test_what_does_not_go_together_is_told_at_once(words: str, count: int) -> None:
    with pytest.raises(Mistakes) as caught:
        given(*words.split())
    assert len(caught.value.mistakes) == count


def test_offline_names_all_that_is_lacking() -> None:
    Supply().refuse_network(["xen 4.20"])
    Supply(offline=True).refuse_network([])
    with pytest.raises(BuildError) as caught:
        Supply(offline=True).refuse_network(["xen 4.20", "linux 6.12"])
    assert caught.value.hint.startswith("xen 4.20\nlinux 6.12\n")


def test_the_cache_is_told_and_pruned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cache/packages"
    folder.mkdir(parents=True)
    for letter in "ab":
        (folder / f"{letter * 64}.deb").write_bytes(b"x" * 600)
    words = ["--build-dir", str(tmp_path), "--json"]
    assert cli.main(["cache", "info", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["packages"], told["bytes"], told["bound"]) == (2, 1200, 2 << 30)
    assert cli.main(["cache", "prune", "--size", "1K", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["packages"], told["removed"]) == (1, {"packages": 1, "bytes": 600})
    assert cli.main(["cache", "prune", "--all", "--build-dir", str(tmp_path)]) == 0
    assert "removed: 1 packages" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["lock"]
