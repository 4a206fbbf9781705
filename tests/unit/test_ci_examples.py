"""The CI examples as text; tests/smoke runs their lines against a real Xen."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from democd import cli
from tests.support import ci

each = pytest.mark.parametrize("path", ci.FILES, ids=lambda path: path.name)


def test_both_systems_have_one() -> None:
    assert [path.name for path in ci.FILES] == ["github-actions.yml", "gitlab-ci.yml"]


@each
def test_lines_are_shell(path: Path) -> None:
    text = "\n".join(ci.scripts(path))
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True)
    assert done.stderr == ""


@each
def test_options_are_those_that_there_are(path: Path) -> None:
    words = shlex.split(ci.smoke_lines(path)[-1])
    assert words[0] == "democd/build.py"
    args = cli.parser().parse_args(words[1:])
    assert str(args.own_xen) == "xen/xen.gz"
    assert args.junit
    assert args.artifacts


@each
def test_both_do_the_same(path: Path) -> None:
    assert ci.scripts(path) == ci.scripts(ci.FILES[0])


@each
def test_what_is_kept_is_what_is_written(path: Path) -> None:
    written = cli.parser().parse_args(shlex.split(ci.smoke_lines(path)[-1])[1:])
    content = ci.read(path)
    if "jobs" in content:
        kept = content["jobs"]["xen-smoke"]["steps"][-1]
        assert kept["if"] == "always()"
        assert kept["with"]["path"] == str(written.artifacts)
    else:
        artifacts = content["xen-smoke"]["artifacts"]
        assert artifacts["when"] == "always"
        assert artifacts["paths"] == [f"{written.artifacts}/"]
        assert artifacts["reports"]["junit"] == str(written.junit)
