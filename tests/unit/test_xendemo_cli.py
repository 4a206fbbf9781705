"""The program itself, run on this machine, which is no domain 0; its completion and its manual."""

from __future__ import annotations

import ast
import functools
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.building import PROJECT
from tests.support.xendemo_recorded import LIST
from xendemo import cli, create, run
from xendemo.errors import InputError, Mistakes, explain

TREE = PROJECT / "overlays/xendemo"
PACKAGE = TREE / "usr/lib/xendemo/xendemo"
PROGRAM = TREE / "usr/bin/xendemo"
MANUALS = TREE / "usr/share/man/man1"
COMPLETION = TREE / "usr/share/bash-completion/completions/xendemo"
SETTINGS = PROJECT / "overlays/xendemo/etc/xen/xendemo.conf"
WITH_SETTINGS = f"xendemo create -f {SETTINGS}"
NO_XEN = pytest.mark.skipif(Path("/sys/hypervisor/type").exists(), reason="runs under Xen")


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program with this Python in place of the disc's."""
    return subprocess.run(
        [sys.executable, "-IS", PROGRAM, *words], capture_output=True, text=True, timeout=60
    )


Answered = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def answered(capsys: pytest.CaptureFixture[str]) -> Iterator[Answered]:
    """Calls the program's one function here: another Python takes longer than what it is asked."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]

    def ask(*words: str | Path) -> subprocess.CompletedProcess[str]:
        argv = [str(word) for word in words]
        code = cli.main(argv)
        return subprocess.CompletedProcess(argv, code, *capsys.readouterr())

    yield ask
    for number, handler in before:
        signal.signal(number, handler)


@functools.cache
def help_of(verb: str) -> subprocess.CompletedProcess[str]:
    return call(verb, "--help")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_it_needs_python_alone_and_only_one_module_starts_programs() -> None:
    for path in modules():
        names = {name.partition(".")[0] for name in imported(path)}
        assert names <= {*sys.stdlib_module_names, "xendemo"}, path
        assert "subprocess" not in names or path.name == "run.py", path
        assert len(path.read_text().splitlines()) < 300, path


def test_running_it_leaves_nothing_in_what_becomes_the_disc() -> None:
    assert call("--help").returncode == 0
    assert not list(TREE.rglob("__pycache__"))


def test_its_exit_code_is_that_of_its_one_function() -> None:
    done = call("crate")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: crate: no such verb\n")


def test_help_lists_every_verb() -> None:
    done = call("--help")
    assert done.returncode == 0
    for verb in cli.VERBS:
        assert re.search(rf"^ +{verb} ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_each_verb_has_help_with_examples_that_are_accepted(verb: str) -> None:
    done = help_of(verb)
    assert done.returncode == 0
    assert done.stderr == ""
    examples = done.stdout.partition("examples:\n")[2].partition("\n\n")[0]
    lines = [line for line in examples.splitlines() if line.startswith("  xendemo ")]
    assert lines
    for line in lines:
        words = shlex.split(re.split(r" {2,}", line.strip())[0])[1:]
        assert words[0] == verb
        cli.parser(words).parse_args(words)


def test_the_help_of_create_names_the_defaults_of_the_disc() -> None:
    from xendemo.defaults import BUILTIN

    for name, item in BUILTIN["variables"].items():
        assert re.search(rf"^  {name}={item['default']}\s+{item['help']}", create.EXAMPLES,
                         re.MULTILINE), name  # fmt: skip
    assert f"({BUILTIN['micro']['mem']} with --micro)" in create.EXAMPLES


def test_values_may_follow_their_option_at_once() -> None:
    words = ["create", "-Dip=128.23.45.34,169.254.1.1", "-D", "mem=72", "-nc", "-fx"]
    args = cli.parser(words).parse_args(words)
    assert args.given == ["ip=128.23.45.34,169.254.1.1", "mem=72"]
    assert (args.dry_run, args.console, args.file) == (True, True, "x")


def test_what_ssh_is_to_run_is_left_alone() -> None:
    words = ["ssh", "guest1", "ls", "-l", "--all"]
    assert cli.parser(words).parse_args(words).command == ["ls", "-l", "--all"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "the following arguments are required: VERB"),
        (["crate"], "crate: no such verb\n  did you mean create?"),
        (["create", "--cuont", "3"], "unrecognized arguments: --cuont 3"),
        (["create", "--count", "x"], "argument --count: invalid int value: 'x'"),
        (["create", "web"], "unrecognized arguments: web"),
        (["console"], "the following arguments are required: NAME"),
        (["create", "-f", "/nowhere"], "/nowhere: No such file or directory"),
    ],
)
def test_wrong_words(answered: Answered, words: list[str], what: str) -> None:
    done = answered(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {what}")
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2


@NO_XEN
def test_all_mistakes_are_told_at_once_without_a_machine_to_start_on(answered: Answered) -> None:
    done = answered("create", "-f", SETTINGS, "-D", "nmae=x:mem=lots", "-c", "--count", "2")
    assert done.returncode == 2
    assert done.stderr.count("error: ") == 3
    assert "did you mean name?" in done.stderr


@NO_XEN
@pytest.mark.parametrize(
    "words",
    [["create", "-f", str(SETTINGS)], ["create", "-n", "-f", str(SETTINGS)], ["list"],
     ["console", "x"], ["ssh", "x"], ["shutdown", "--all"], ["destroy", "x"], ["nat", "status"]],
)  # fmt: skip
def test_a_machine_without_xen(answered: Answered, words: list[str]) -> None:
    done = answered(*words)
    assert done.returncode == 1
    assert done.stderr == (
        "error: Xen is not running on this machine\n  choose an entry with Xen at boot\n"
    )


def test_mistakes_are_lines_with_their_remedies() -> None:
    assert explain(Mistakes([("a", "b"), ("c", "d\ne")])) == "error: a\n  b\nerror: c\n  d\n  e"
    assert explain(InputError("a")) == "error: a"


# --- acts: programs and files ---------------------------------------------------------------------


def test_programs_are_run_to_their_end() -> None:
    assert run.run("sh", "-c", "cat; echo bad >&2; exit 3", given="x") == run.Done(3, "x", "bad\n")
    assert run.check("printf", "%s", "a b") == "a b"
    with pytest.raises(run.Failure, match="sh -c exit 4: failed with status 4"):
        run.check("sh", "-c", "exit 4")
    with pytest.raises(run.Failure, match="there is no program no-such-thing"):
        run.run("no-such-thing")
    assert run.Done(1, "", "\n".join("abcdefgh")).last() == "c\nd\ne\nf\ng\nh"


def test_what_must_not_be_stopped_halfway_is_not() -> None:
    """A signal to us, and Ctrl-C for the whole group, wait until the program is through."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from xendemo import run\n"
        "done, stopped = run.finish('sh', '-c', "
        "'kill -INT $PPID; sleep 0.3; ps -o pgid= $$; ps -o pgid= $PPID; echo through')\n"
        "mine, ours, last = done.out.split()\n"
        "assert last == 'through' and stopped and mine != ours, done\n"
        "print('tidy')\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, PACKAGE.parent], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "tidy\n"), done.stderr


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "web.cfg"
    create.write(str(path), "old")
    with pytest.raises(UnicodeEncodeError):
        create.write(str(path), "new \N{SNOWMAN}")
    assert path.read_text() == "old"
    create.write(str(path), "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


# --- completion -----------------------------------------------------------------------------------


def completed(typed: str, tmp_path: Path) -> str:
    """What bash makes of a line and Tab; several possibilities are listed below it."""
    setup = tmp_path / "rc"
    table = tmp_path / "list"
    table.write_text(LIST)
    setup.write_text(
        f"PS1='> '; xendemo() {{ :; }}; xl() {{ cat {table}; }}; . {COMPLETION}\n"
        "bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'\n"
        "bind 'set enable-bracketed-paste off'; bind 'set page-completions off'\n"
    )
    shell = pexpect.spawn(
        "bash", ["--noprofile", "--rcfile", str(setup), "-i"], encoding="utf-8", timeout=20,
        dimensions=(50, 200), env={"TERM": "dumb", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    shell.delaybeforesend = None
    shell.ptyproc.delayafterclose = 0.01
    try:
        shell.expect_exact("> ")
        shell.send(f"{typed}\t#END")
        shell.expect_exact("#END")
        return str(shell.before)
    finally:
        shell.close(force=True)


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("xendemo cr", "xendemo create "),
        ("xendemo na", "xendemo nat "),
        ("xendemo nat st", "xendemo nat status "),
        ("xendemo check --ke", "xendemo check --keyring "),
        ("xendemo install --dr", "xendemo install --dry-run "),
        ("xendemo install --disk /dev/sda --wi", "xendemo install --disk /dev/sda --wipe "),
        ("xendemo list --j", "xendemo list --json "),
        ("xendemo wo", "xendemo world "),
        ("xendemo world too", "xendemo world tools "),
        ("xendemo world LINUX_SRC_", "xendemo world LINUX_SRC_PATH="),
        ("xendemo-world xen --dr", "xendemo-world xen --dry-run "),
        ("xendemo console gu", "xendemo console guest1 "),
        ("xendemo ssh st", "xendemo ssh stock "),
        ("xendemo shutdown guest1 --w", "xendemo shutdown guest1 --wait "),
        ("xendemo destroy guest1 st", "xendemo destroy guest1 stock "),
        ("xendemo create --mi", "xendemo create --micro "),
        (f"{WITH_SETTINGS} -D vc", f"{WITH_SETTINGS} -D vcpus="),
        (f"{WITH_SETTINGS} -Dvc", f"{WITH_SETTINGS} -Dvcpus="),
        (f"{WITH_SETTINGS} -Dmem=64:na", f"{WITH_SETTINGS} -Dmem=64:name="),
        ("xendemo create -D type=pvh -n --cou", "xendemo create -D type=pvh -n --count "),
        ("xendemo create -D type=au", "xendemo create -D type=auto "),
        ("xendemo create -D mem=64:ip=", "xendemo create -D mem=64:ip=auto "),
    ],
)  # fmt: skip
def test_tab(typed: str, whole: str, tmp_path: Path) -> None:
    assert completed(typed, tmp_path) == whole


def test_tab_offers_domains_but_not_domain_0(tmp_path: Path) -> None:
    offered = completed("xendemo destroy ", tmp_path)
    assert {"guest1", "stock", "--all"} <= set(offered.split())
    assert "Domain-0" not in offered


def test_completion_knows_the_verbs_and_options() -> None:
    text = COMPLETION.read_text()
    assert " ".join([*cli.VERBS, "--help"]) in text
    for verb in cli.VERBS:
        for option in options(verb):
            assert option in text, f"{verb} {option}"


# --- the manual page ------------------------------------------------------------------------------


def options(verb: str) -> list[str]:
    return re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*(?=[ ,\n])",
                      help_of(verb).stdout.partition("examples:")[0])  # fmt: skip


def manual(page: str) -> str:
    return (MANUALS / f"{page}.1").read_text().replace(r"\-", "-")


PAGES = {
    "xendemo": sorted({*cli.VERBS} - {"install", "world"}),
    "xendemo-install": ["install"],
    "xendemo-world": ["world"],
}
"""Each page of the manual, and the verbs whose options it has."""


@pytest.mark.parametrize("page", PAGES)
def test_the_manual_knows_the_verbs_and_options(page: str) -> None:
    text = re.sub(r"\\f.", "", manual(page))
    for verb in PAGES[page]:
        assert f"xendemo {verb}" in text
        for option in set(options(verb)) - {"-h"}:
            assert option in text, f"{verb} {option}"
    for status in (0, 1, 2, cli.INTERRUPTED):
        assert f".B {status}\n" in text


def test_the_manual_has_a_chapter_for_each_verb() -> None:
    for verb in cli.VERBS:
        assert f".SS {verb}\n" in manual("xendemo")


@pytest.mark.parametrize(
    ("page", "least"), [("xendemo", 6), ("xendemo-install", 2), ("xendemo-world", 3)]
)
def test_the_examples_of_the_manual_are_accepted(page: str, least: int) -> None:
    examples = re.findall(r"\.EX\n(.*?)\.EE", manual(page), re.DOTALL)
    lines = [
        line.split()[1:]
        for block in examples
        for line in block.splitlines()
        if line.startswith("xendemo ")
    ]
    assert len(lines) >= least
    for words in lines:
        cli.parser(words).parse_args(words)


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_the_manual_is_sound(page: str) -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-Tutf8", MANUALS / f"{page}.1"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
