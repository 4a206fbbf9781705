"""The checkout itself: style, types, and shell scripts that shellcheck has nothing to say about."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.building import PROJECT

NOT_OURS = {".git", ".venv", "build", "dist", "__pycache__"}
SHEBANG = re.compile(rb"#!\s*(/usr)?/bin/(env\s+)?(ba|da|busybox )?sh\b")


def our_files() -> Iterator[Path]:
    for path in sorted(PROJECT.iterdir()):
        if path.name in NOT_OURS or path.name.endswith("_cache"):
            continue
        yield from (found for found in [path, *path.rglob("*")] if found.is_file())


def shell_files() -> list[Path]:
    return [
        path
        for path in our_files()
        if path.suffix == ".sh" or (not path.suffix and SHEBANG.match(path.open("rb").readline()))
    ]


def run_module(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=PROJECT, capture_output=True, text=True, timeout=600
    )


@pytest.mark.parametrize("words", ["ruff check .", "ruff format --check .", "mypy"])
def test_python(words: str) -> None:
    done = run_module(*words.split())
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_shell_script_is_seen() -> None:
    seen = {str(path.relative_to(PROJECT)) for path in shell_files()}
    assert {"setup.sh", ".ci/run", "rootfs/init"} <= seen


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("path", shell_files(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_shell(path: Path) -> None:
    done = subprocess.run(["shellcheck", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_what_is_run_is_executable() -> None:
    for path in our_files():
        if path.open("rb").read(2) == b"#!":
            assert path.stat().st_mode & 0o111, f"{path} has a #! but no execute bit"


def test_versions_agree() -> None:
    from democd import __version__

    assert f'\nversion = "{__version__}"\n' in (PROJECT / "pyproject.toml").read_text()
