"""A disc bears its version and its builder's name, and nothing of the host."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from pathlib import Path

import pytest

from democd import __version__, recipe
from democd.identity import Identity, identify


@pytest.fixture
def checkout(small_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small project as a git checkout of a person without a configuration of their own."""
    monkeypatch.setenv("HOME", str(small_project.parent))
    git(small_project, "init", "--quiet")
    git(small_project, "add", ".")
    git(small_project, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x")
    return small_project


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True, timeout=60)


def of(folder: Path, *overrides: str) -> Identity:
    return identify(recipe.load(folder / "democd.toml", overrides))


def test_what_the_recipe_says_counts(checkout: Path) -> None:
    assert of(checkout, "disc.version=7.1", "disc.builder=Ada L.") == Identity("7.1", "Ada L.")


def test_a_tagged_checkout_and_its_changes(checkout: Path) -> None:
    git(checkout, "tag", "v1.2")
    git(checkout, "config", "user.name", "  Ada\tLovelace ")
    assert of(checkout) == Identity("v1.2", "Ada Lovelace")
    (checkout / "rootfs/packages/base").write_text("vim\n")
    assert of(checkout).version == "v1.2-dirty"


def test_without_git_the_package_and_the_account_count(small_project: Path) -> None:
    found = of(small_project)
    assert found.version == __version__
    assert found.builder != socket.gethostname()


def test_without_a_name_in_git_it_is_the_account(checkout: Path) -> None:
    assert of(checkout).builder == pwd.getpwuid(os.getuid()).pw_name


def test_another_projects_checkout_around_ours_gives_no_version(checkout: Path) -> None:
    inside = checkout / "vendor"
    inside.mkdir()
    for name in ("rootfs", "overlays", "grub", "docs", "democd.toml"):
        (checkout / name).rename(inside / name)
    assert of(inside).version == __version__
