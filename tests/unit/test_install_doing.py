"""Plans carried out in real folders: whole, taken back byte for byte, interrupted anywhere."""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import io
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from tests.support import performing
from tests.support.performing import NAMES, Child, disturbed, memory
from tests.support.processes import gone_within, is_alive
from xendemo import cli
from xendemo.errors import Failure
from xendemo.install import doing
from xendemo.install.progress import Progress, bar
from xendemo.install.steps import Copy, Plan, Remove, Run, Step, Tree, Write

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners are root's to change")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    with memory(tmp_path) as folder:
        yield folder


def keeps_attributes(path: Path) -> bool:
    """Attributes of users are on all file systems but Linux's tmpfs before 6.6."""
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        return False
    return True


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A small Linux: files of many kinds, with times and modes of their own."""
    top = tmp_path / "linux"
    for name in ("boot/grub", "etc/grub.d", "lib/modules/6.1/kernel", "empty"):
        (top / name).mkdir(parents=True)
    (top / "boot/grub/grub.cfg").write_text("old menu\n")
    (top / "boot/vmlinuz").write_bytes(b"kernel" * 1000)
    (top / "etc/grub.d/10_linux").write_text("#!/bin/sh\n")
    (top / "etc/grub.d/10_linux").chmod(0o4751)
    (top / "boot/link").symlink_to("vmlinuz")
    os.link(top / "boot/vmlinuz", top / "boot/vmlinuz.again")
    (top / "lib/modules/6.1/kernel/a.ko").write_text("module")
    keeps_attributes(top / "boot/vmlinuz")
    for path in sorted(top.rglob("*"), reverse=True):
        os.utime(path, ns=(10**18, 10**18 + len(path.name)), follow_symlinks=False)
    return top


def state(top: Path) -> dict[str, Any]:
    """All that a person could compare of a tree: kinds, modes, owners, times, contents, links."""
    found: dict[str, Any] = {}
    for path in sorted([top, *top.rglob("*")]):
        status = path.lstat()
        kind: Any = None
        if stat.S_ISREG(status.st_mode):
            kind = (hashlib.sha256(path.read_bytes()).hexdigest(), status.st_nlink,
                    {name: os.getxattr(path, name) for name in os.listxattr(path)})  # fmt: skip
        elif stat.S_ISLNK(status.st_mode):
            kind = str(path.readlink())
        found[str(path.relative_to(top))] = (
            status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, kind,
        )  # fmt: skip
    return found


def plan(*steps: Step, undo: bool = True, **more: Any) -> Plan:
    return Plan("a test", (), steps, "", (), undo=undo, **more)


def perform(of: Plan, tmp_path: Path) -> list[str]:
    return performing.perform(of, tmp_path / "log")


def way_1(top: Path, modules: Path) -> tuple[Step, ...]:
    """All kinds of steps that an installation beside a Linux is made of."""
    return (
        Tree("copy modules", str(modules), str(top / "lib/modules/new")),
        Copy("copy the kernel", str(modules / "x.ko"), str(top / "boot/xendemo/vmlinuz"), 0o600),
        Write("replace", str(top / "boot/vmlinuz"), b"other"),
        Write("replace a link", str(top / "boot/link"), b"no link"),
        Write("new folder", str(top / "a/b/c"), b"new"),
        Remove("take away", str(top / "etc/grub.d/10_linux")),
        Remove("take away a folder", str(top / "empty")),
        Run("make the menu", ("sh", "-c", f"echo new >{top}/boot/grub/grub.cfg"),
            changes=(str(top / "boot/grub/grub.cfg"),)),
        Run("mark", ("touch", str(top / "mark")), undo=("rm", str(top / "mark"))),
    )  # fmt: skip


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "x.ko").write_bytes(os.urandom(100_000))
    os.link(folder / "x.ko", folder / "deep/er/again.ko")
    (folder / "deep/link").symlink_to("../x.ko")
    (folder / "build").mkdir()
    (folder / "build/Makefile").write_text("no")
    os.mkfifo(folder / "deep/pipe")
    keeps_attributes(folder / "x.ko")
    os.utime(folder / "deep", ns=(10**18, 10**18))
    return folder


def test_all_kinds_of_steps(top: Path, modules: Path, tmp_path: Path) -> None:
    assert perform(plan(*way_1(top, modules)), tmp_path) == []
    assert (top / "boot/vmlinuz").read_bytes() == b"other"
    assert (top / "boot/vmlinuz.again").read_bytes() == b"kernel" * 1000
    assert (top / "boot/link").read_bytes() == b"no link"
    assert (top / "boot/xendemo/vmlinuz").read_bytes() == (modules / "x.ko").read_bytes()
    assert stat.S_IMODE((top / "boot/xendemo/vmlinuz").stat().st_mode) == 0o600
    assert not (top / "empty").exists()
    assert (top / "boot/grub/grub.cfg").read_text() == "new\n"
    copied = top / "lib/modules/new"
    assert state(copied) == state(modules)
    assert (copied / "x.ko").samefile(copied / "deep/er/again.ko")
    assert [str(path) for path in top.rglob(".*")] == []  # nothing of ours is left
    log = (tmp_path / "log").read_text()
    assert f"  mark: touch {top}/mark\n" in log


@pytest.mark.parametrize("number", range(10))
def test_a_failure_at_any_step_leaves_what_was_there(
    number: int, top: Path, modules: Path, tmp_path: Path
) -> None:
    before = state(top)
    steps = list(way_1(top, modules))
    steps.insert(number, Run("fail here", ("sh", "-c", "echo one; echo two >&2; exit 7")))
    with pytest.raises(Failure) as caught:
        perform(plan(*steps, log=str(top / "var/log/install.log")), tmp_path)
    message, hint = caught.value.pairs[0]
    assert message == f"step {number + 1} of 10, fail here: sh failed with status 7"
    assert hint.splitlines() == [
        "one", "two", "everything has been put back as it was", f"the log is {tmp_path / 'log'}",
    ]  # fmt: skip
    assert state(top) == before


def test_what_cannot_be_put_back_is_told(top: Path, tmp_path: Path) -> None:
    steps = (
        Run("odd", ("true",), undo=("sh", "-c", "echo cannot >&2; exit 3")),
        Write("write", str(top / "new"), b"x"),
        Run("fail", ("false",)),
    )
    with pytest.raises(Failure) as caught:
        perform(plan(*steps), tmp_path)
    assert "not everything could be put back:\ncould not run sh" in caught.value.pairs[0][1]
    assert not (top / "new").exists()  # the rest is, all the same


def test_a_plan_that_is_not_taken_back_says_what_state_things_are_in(tmp_path: Path) -> None:
    path = tmp_path / "x"
    steps = (Write("w", str(path), b"1"), Run("fail", ("false",)))
    with pytest.raises(Failure) as caught:
        perform(plan(*steps, undo=False, ruin="/dev/sdb does not boot",
                     log=str(tmp_path / "kept")), tmp_path)  # fmt: skip
    assert "/dev/sdb does not boot\n" in caught.value.pairs[0][1]
    assert path.read_bytes() == b"1"
    assert "failed at step 2 of 2, fail" in (tmp_path / "kept").read_text()


def test_harmless_failures_are_warnings(tmp_path: Path) -> None:
    steps = (Run("efibootmgr", ("sh", "-c", "echo no variables; exit 2"), harmless=True),
             Run("missing", ("no-such-program",), harmless=True),
             Write("w", str(tmp_path / "x"), b""))  # fmt: skip
    assert perform(plan(*steps), tmp_path) == [
        "efibootmgr: sh failed with status 2\nno variables",
        "missing: there is no program no-such-program\ninstall it first",
    ]
    assert (tmp_path / "x").exists()


def test_secrets_are_given_but_neither_shown_nor_logged(tmp_path: Path) -> None:
    step = Run("set", ("sh", "-c", f"cat >{tmp_path}/got"), given="root:hunter2\n", secret=True)
    perform(plan(step), tmp_path)
    assert (tmp_path / "got").read_text() == "root:hunter2\n"
    assert "hunter2" not in (tmp_path / "log").read_text()


def test_a_replaced_file_keeps_its_attributes(top: Path, tmp_path: Path) -> None:
    perform(plan(Write("w", str(top / "boot/vmlinuz"), b"x", 0o640)), tmp_path)
    if keeps_attributes(top / "boot/vmlinuz.again"):
        assert os.getxattr(top / "boot/vmlinuz", "user.note") == b"mine"
    assert stat.S_IMODE((top / "boot/vmlinuz").stat().st_mode) == 0o640


@ROOT
def test_a_replaced_file_keeps_its_owner(top: Path, tmp_path: Path) -> None:
    os.chown(top / "boot/vmlinuz", 12, 34)
    perform(plan(Write("w", str(top / "boot/vmlinuz"), b"x")), tmp_path)
    status = (top / "boot/vmlinuz").stat()
    assert (status.st_uid, status.st_gid) == (12, 34)


def test_what_a_killed_run_left_is_not_in_the_way(top: Path, tmp_path: Path) -> None:
    (top / "boot/.vmlinuz.xendemo-new").write_text("half")
    (top / "boot/.vmlinuz.xendemo-old").write_text("older")
    steps = (Write("w", str(top / "boot/vmlinuz"), b"x"), Run("fail", ("false",)))
    with pytest.raises(Failure):
        perform(plan(*steps), tmp_path)
    assert (top / "boot/vmlinuz").read_bytes() == b"kernel" * 1000
    assert list((top / "boot").glob(".*")) == []


# --- trees ----------------------------------------------------------------------------------------


def copied(step: Tree, tmp_path: Path, *, undo: bool) -> None:
    perform(plan(step, undo=undo), tmp_path)


@pytest.mark.parametrize("undo", [True, False])
def test_a_tree_is_copied_with_all_it_has(undo: bool, modules: Path, tmp_path: Path) -> None:
    copied(Tree("t", str(modules), str(tmp_path / "to/there")), tmp_path, undo=undo)
    assert state(tmp_path / "to/there") == state(modules)


@pytest.mark.parametrize("undo", [True, False])
def test_what_is_left_out_of_a_tree(undo: bool, modules: Path, tmp_path: Path) -> None:
    step = Tree("t", str(modules), str(tmp_path / "to"), exclude=("build", "deep/*/ag*", "*/pipe"))
    copied(step, tmp_path, undo=undo)
    expected = {
        name: what
        for name, what in state(modules).items()
        if not name.startswith("build") and name not in ("deep/er/again.ko", "deep/pipe", "x.ko")
    }
    found = state(tmp_path / "to")
    assert found.pop("x.ko")[4][1] == 1  # its other name is left out
    assert found == expected


def test_hard_links_stay_links_though_something_beside_them_is_left_out(
    modules: Path, tmp_path: Path
) -> None:
    copied(
        Tree("t", str(modules), str(tmp_path / "to"), exclude=("deep/link",)), tmp_path, undo=False
    )
    assert (tmp_path / "to/x.ko").samefile(tmp_path / "to/deep/er/again.ko")


def test_a_layer_replaces_what_is_below_it(tmp_path: Path) -> None:
    lower, upper, to = tmp_path / "lower", tmp_path / "upper", tmp_path / "to"
    for folder in (lower, upper):
        (folder / "etc").mkdir(parents=True)
    (lower / "etc/resolv.conf").symlink_to("/etc/hostname")
    (lower / "etc/issue").write_text("lower")
    (lower / "etc/kept").write_text("kept")
    (upper / "etc/resolv.conf").write_text("a file")
    (upper / "etc/issue").symlink_to("kept")
    (upper / "etc").chmod(0o700)
    copied(Tree("t", str(lower), str(to)), tmp_path, undo=False)
    copied(Tree("t", str(upper), str(to), layered=True), tmp_path, undo=False)
    assert (to / "etc/resolv.conf").read_text() == "a file"
    assert not (to / "etc/resolv.conf").is_symlink()
    assert (to / "etc/issue").readlink() == Path("kept")
    assert (to / "etc/kept").read_text() == "kept"
    assert stat.S_IMODE((to / "etc").stat().st_mode) == 0o700


def test_a_missing_source_is_a_failure_of_its_step(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"step 1 of 1, t: .*nowhere is no folder"):
        copied(Tree("t", str(tmp_path / "nowhere"), str(tmp_path / "to")), tmp_path, undo=False)
    with pytest.raises(Failure, match="nowhere: No such file"):
        perform(plan(Copy("c", str(tmp_path / "nowhere"), str(tmp_path / "to"))), tmp_path)


def test_a_source_that_ends_too_early(tmp_path: Path) -> None:
    (tmp_path / "from").write_bytes(b"x" * 10)
    with pytest.raises(Failure, match="ends after 10 bytes of 20"):
        perform(plan(Copy("c", str(tmp_path / "from"), str(tmp_path / "to"), size=20)), tmp_path)
    assert not (tmp_path / "to").exists()


# --- interrupted and killed -----------------------------------------------------------------------


def test_interrupted_at_every_change_everything_is_put_back(top: Path, modules: Path) -> None:
    before = state(top)
    of = plan(*way_1(top, modules))
    for at in range(1, 200):
        done = disturbed(of, signal.SIGTERM, at, NAMES)
        if done.code == 0:
            break
        assert done.code == 130, done.said
        assert done.said.startswith("interrupted at step "), at
        assert "everything has been put back as it was" in done.said, at
        assert state(top) == before, at
    assert at > 20
    assert (top / "boot/vmlinuz").read_bytes() == b"other"


def test_killed_at_every_change_files_are_whole_and_a_second_run_completes(top: Path) -> None:
    """What a power cut leaves, but for what the disk itself had not been given yet."""
    cfg = top / "boot/grub/grub.cfg"
    old, new = cfg.read_bytes(), b"new menu\n" * 1000
    of = plan(
        Write("initrd", str(top / "boot/xendemo/initrd"), b"i" * 5000),
        Write("kernel", str(top / "boot/vmlinuz"), b"k" * 5000),
        Write("menu, last of all", str(cfg), new, menu=True),
    )
    seen = set()
    for at in range(1, 100):
        done = disturbed(of, signal.SIGKILL, at, NAMES)
        assert cfg.read_bytes() in (old, new), at
        assert (top / "boot/vmlinuz").read_bytes() in (b"kernel" * 1000, b"k" * 5000), at
        if cfg.read_bytes() == new:  # then all that it names is there
            assert (top / "boot/xendemo/initrd").read_bytes() == b"i" * 5000
            assert (top / "boot/vmlinuz").read_bytes() == b"k" * 5000
        seen.add(cfg.read_bytes() == new)
        if done.code == 0:
            break
        assert done.code == -signal.SIGKILL, done.said
        cfg.write_bytes(old)
    assert seen == {False, True}
    assert list(top.rglob(".*")) == []


@pytest.mark.parametrize("undo", [True, False])
def test_a_menu_is_on_the_disk_before_a_name_leads_to_it(undo: bool, top: Path) -> None:
    menu, other = top / "boot/grub/grub.cfg", top / "boot/vmlinuz"
    of = plan(Write("k", str(other), b"k"), Write("m", str(menu), b"m", menu=True), undo=undo)
    seen = performing.order(of)
    named = seen.index(f"name {menu}")
    assert seen[named - 1] == f"sync -f {menu.parent}"
    assert seen[0] == f"name {other}", "of others nobody waits for the disk"
    assert any(word.startswith("sync -f ") for word in seen[named + 1 :])


def test_what_a_menu_was_lasts_until_its_new_name_is_on_the_disk(top: Path) -> None:
    """GRUB replays no journal: it may follow a name to a file that Linux takes for freed."""
    cfg = top / "boot/grub/grub.cfg"
    kept = cfg.with_name(".grub.cfg.xendemo-old")
    of = plan(Write("menu", str(cfg), b"new", menu=True), undo=False)
    seen = []
    for at in range(1, 20):
        cfg.write_bytes(b"old")
        done = disturbed(of, signal.SIGKILL, at)
        flushed = not kept.exists()
        seen.append((cfg.read_bytes(), b"" if flushed else kept.read_bytes()))
        if done.code == 0:
            break
    assert [*dict.fromkeys(seen)] == [
        (b"old", b""),
        (b"old", b"old"),
        (b"new", b"old"),
        (b"new", b""),
    ]
    assert list(top.rglob(".*")) == []


def until(come: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Long:
    """A verb that carries out a plan with a program that would run for a minute."""

    HELP = "wait"
    EXAMPLES = ""

    def __init__(self, top: Path) -> None:
        self._started = top.parent / "started"
        wait = ("sh", "-c", f"echo $$ >{self._started}; exec sleep 60")
        self._plan = plan(Write("write", str(top / "boot/vmlinuz"), b"other"), Run("wait", wait))
        self._log = top.parent

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        pass

    def run(self, args: argparse.Namespace) -> int:
        perform(self._plan, self._log)
        return 0

    def call(self) -> tuple[int, str]:
        sys.modules["long"] = cast(ModuleType, self)
        cli.VERBS["long"] = "long"
        with contextlib.redirect_stderr(io.StringIO()) as told:
            code = cli.main(["long"])
        return code, told.getvalue()

    def program(self) -> int:
        """Wait for the program, and return its process."""
        until(lambda: self._started.is_file() and self._started.read_text().endswith("\n"))
        return int(self._started.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_a_program_runs_it_ends_and_the_state_is_told(
    number: int, top: Path
) -> None:
    before = state(top)
    work = Long(top)
    child = Child(work.call)
    program = work.program()
    done = child.end(number)
    assert (done.code, done.said) == (
        130,
        "\ninterrupted at step 2 of 2, wait\neverything has been put back as it was\n",
    )
    assert gone_within(program)
    assert state(top) == before


def test_killed_it_leaves_no_program(top: Path) -> None:
    work = Long(top)
    child = Child(work.call)
    program = work.program()
    assert is_alive(program)
    assert child.end(signal.SIGKILL).code == -signal.SIGKILL
    assert gone_within(program)


def test_killed_amid_a_copy_the_old_file_is_whole_and_a_second_run_completes(
    top: Path, tmp_path: Path
) -> None:
    source, target = tmp_path / "large", top / "boot/vmlinuz"
    with source.open("wb") as file:
        file.truncate(4 << 30)  # of holes; it takes seconds all the same
    of = plan(Copy("copy", str(source), str(target)))

    def work() -> tuple[int, str]:
        perform(of, tmp_path)
        return 0, ""

    child = Child(work)
    new = top / "boot/.vmlinuz.xendemo-new"
    until(lambda: new.exists() and new.stat().st_size)
    assert child.end(signal.SIGKILL).code == -signal.SIGKILL
    assert target.read_bytes() == b"kernel" * 1000
    os.truncate(source, 100)
    perform(of, tmp_path)
    assert target.read_bytes() == bytes(100)
    assert list(top.rglob(".*")) == []


# --- what a system says, and what is shown --------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "/x: no space is left"),
        (errno.EIO, "/x: the device has input or output errors"),
        (errno.EROFS, "/x: the file system is read-only"),
        (errno.ELOOP, "/x: Too many levels of symbolic links"),
    ],
)
def test_failures_of_the_system_are_told_in_words(number: int, expected: str) -> None:
    assert doing.explain(OSError(number, os.strerror(number), "/x"))[0] == expected


def lines(act: Callable[[Progress], None]) -> list[str]:
    stream = io.StringIO()
    act(Progress(stream, 12))
    return stream.getvalue().splitlines()


def test_where_there_is_no_terminal_progress_is_plain_lines() -> None:
    def act(progress: Progress) -> None:
        progress.begin("unpack base")
        for done in range(0, 500_000_001, 1_000_000):
            progress.at(done, 500_000_000)
        progress.end()
        progress.begin("a short one")
        progress.at(5, 10)
        progress.end()

    told = lines(act)
    assert told[0] == "[ 1/12] unpack base"
    assert told[1] == "     10 %, 50 of 500 MB"
    assert told[10:] == ["    100 %, 500 of 500 MB", "[ 2/12] a short one"]


def test_a_bar() -> None:
    assert bar(45, 100) == "[#########...........]  45 %, 0 of 0 MB"
