"""The front door: verbs, exit codes, and what a person reads when something is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from democd import cli, recipe
from democd.cli.parts import given
from democd.errors import BuildError, Mistakes
from democd.recipe import known_keys


def call(project: Path, *words: str | Path, env: dict[str, str] | None = None):
    return subprocess.run(
        [sys.executable, project / "build.py", *words],
        capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})},
    )  # fmt: skip


def test_help_lists_every_verb_and_every_key(project: Path) -> None:
    done = call(project, "--help")
    assert done.returncode == 0
    for word in [*cli.VERBS, *known_keys()]:
        assert re.search(rf"^ +{re.escape(word)}\b", done.stdout, re.MULTILINE), word


@pytest.mark.parametrize("verb", cli.VERBS)
def test_each_verb_has_help_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([verb, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    examples = shown.partition("examples:\n")[2]
    assert f"./build.py {verb} " in examples


@pytest.mark.parametrize("verb", cli.VERBS)
def test_the_examples_are_accepted(verb: str) -> None:
    for line in cli.VERBS[verb].EXAMPLES.strip().splitlines():
        words = line.partition("#")[0].partition("|")[0].split()
        assert words[0] == "./build.py"
        if not words[1:] or words[1].startswith("-"):
            words.insert(1, verb)
        assert cli.parser().parse_args(words[1:]).run is cli.VERBS[verb].run


def test_without_a_verb_it_builds_and_all_mistakes_are_told(project: Path, tmp_path: Path) -> None:
    done = call(
        project, "--set", "disc.meda=dvd", "--set", "xen.dom0_mem=512",
        "--build-dir", tmp_path / "build", "--output-dir", tmp_path / "dist",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error: --set: disc.meda: unknown key\n  did you mean media?" in done.stderr
    assert "error: --set: xen.dom0_mem: '512' has no unit" in done.stderr
    assert done.stderr.endswith("2 mistakes\n")
    assert list(tmp_path.iterdir()) == [], "no work is begun"


def test_a_recipe_is_named_as_it_can_be_typed(project: Path, small_project: Path) -> None:
    (small_project / "democd.toml").write_text("[disc\n")
    done = call(project, "--recipe", small_project / "democd.toml")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {small_project / 'democd.toml'}:1: not TOML")


@pytest.mark.parametrize(
    "words",
    [["bild"], ["--sett", "a=b"], ["inspect"], ["boot", "x.iso", "--memory", "lots"]],
)
def test_wrong_options_are_wrong_input(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2


@pytest.mark.parametrize("verb", ["inspect", "verify", "boot"])
def test_a_file_that_is_not_there_is_wrong_input(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([verb, str(tmp_path / "none.iso")]) == 2
    told = capsys.readouterr().err
    assert "none.iso" in told
    assert "Traceback" not in told


def test_hardware_that_there_is_not_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    iso = tmp_path / "some.iso"
    iso.touch()
    assert cli.main(["boot", str(iso), "--attach", "nvme-cd", "--nic", "ne2000"]) == 2
    told = capsys.readouterr().err
    assert "nvme-cd: there is no CD-ROM drive for nvme" in told
    assert "ne2000: no such network card" in told


def test_a_failure_is_one_line_and_its_hint() -> None:
    assert cli.explain(BuildError("mcopy failed", "$ mcopy\nno space")) == (
        "error: mcopy failed\n  $ mcopy\n  no space"
    )
    assert cli.explain(Mistakes([("a is wrong", "write b"), ("c is wrong", "")])) == (
        "error: a is wrong\n  write b\nerror: c is wrong\n2 mistakes"
    )


def test_a_reader_that_leaves_early_is_no_error(project: Path) -> None:
    script = f"{sys.executable} {project}/build.py inspect {project}/democd.toml | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


def test_an_output_folder_that_cannot_be_is_no_traceback(
    project: Path, small_project: Path
) -> None:
    (small_project / "file").touch()
    done = call(
        project, "--recipe", small_project / "democd.toml", "--set", "disc.version=1",
        "--set", "disc.builder=x", "--output-dir", small_project / "file" / "dist",
        "--build-dir", small_project / "build",
    )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*file/dist: Not a directory\n", done.stderr)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_is_an_exit_code_and_no_traceback(
    project: Path, small_project: Path, sent: signal.Signals, code: int
) -> None:
    # A FIFO in place of the recipe: the builder waits in the middle of its work.
    fifo = small_project / "waits.toml"
    os.mkfifo(fifo)
    command = [sys.executable, "-u", project / "build.py", "--recipe", fifo]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as builder,
        fifo.open("w"),  # opens once the builder reads
    ):
        builder.send_signal(sent)
        assert builder.stderr
        told = builder.stderr.read()
    assert builder.returncode == code
    assert "Traceback" not in told


def test_without_its_packages_it_says_what_to_do(project: Path, tmp_path: Path) -> None:
    (tmp_path / "build.py").write_text((project / "build.py").read_text())
    bare = Path(sys.base_prefix) / "bin" / "python3"
    done = subprocess.run(
        [bare, "-S", tmp_path / "build.py"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_own_parts_start_at_the_folder_one_is_in(
    tmp_path: Path, small_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xen.gz").touch()
    monkeypatch.chdir(tmp_path)
    words = ["build", "--xen", "xen.gz", "--dom0-modules", ".", "--guest-modules", "gone"]
    args = cli.parser().parse_args(words)
    told = given(args)
    assert [(item.path, item.where) for item in told] == [
        ("kernels.xen", "--xen"),
        ("kernels.dom0_modules", "--dom0-modules"),
        ("kernels.guest_modules", "--guest-modules"),
    ]  # fmt: skip
    assert recipe.load(small_project / "democd.toml", options=told[:1]).kernels.xen == str(
        tmp_path / "xen.gz"
    )
    with pytest.raises(Mistakes) as caught:
        recipe.load(small_project / "democd.toml", options=told)
    assert caught.value.mistakes == (
        (f"--guest-modules: kernels.guest_modules: {tmp_path}/gone does not exist",
         'name a folder, or "" for the root\'s own'),
        ("--dom0-modules: kernels.dom0_modules: whose modules are these?",
         "name the kernel, kernels.dom0 or --dom0-kernel"),
    )  # fmt: skip
