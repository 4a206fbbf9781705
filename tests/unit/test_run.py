"""The door to other programs: nothing leaks in, nothing outlives us, failures are told well."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.host.bounds import Bounds
from democd.host.run import run
from tests.support.building import PROJECT
from tests.support.processes import gone_within, is_alive


def test_output_comes_back_and_lines_come_at_once(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "log"
    done = run(["sh", "-c", "echo out; echo one >&2; echo two >&2"], on_line=lines.append, log=log)
    assert (done.stdout, done.stderr) == ("out\n", "one\ntwo")
    assert lines == ["one", "two"]
    assert log.read_text() == "one\ntwo\n"


def test_a_program_can_be_fed_more_than_a_pipe_holds() -> None:
    size = 3 << 20
    done = run(["wc", "-c"], feed=lambda stream: stream.write(b"x" * size) and None)
    assert int(done.stdout) == size


def test_a_program_that_stops_reading_is_told_as_its_failure() -> None:
    with pytest.raises(BuildError, match="exit code 3"):
        run(["sh", "-c", "exit 3"], feed=lambda stream: stream.write(b"x" * (3 << 20)) and None)


def test_a_program_that_hangs_is_ended() -> None:
    begun = time.monotonic()
    with pytest.raises(BuildError, match="sleep had not done its work after 1 seconds"):
        run(["sleep", "60"], bounds=Bounds(seconds=1))
    assert time.monotonic() - begun < 20


def test_a_program_that_prints_without_end_is_ended() -> None:
    with pytest.raises(BuildError, match="yes printed more than it should"):
        run(["yes"], bounds=Bounds(printed=1 << 22))
    assert run(["echo", "four"], bounds=Bounds(seconds=60, printed=5)).stdout == "four\n"


def test_what_a_program_takes_is_bounded_and_a_failure_has_its_own_name(tmp_path: Path) -> None:
    """And not that of the program that sets the bounds."""
    words = ["dd", "if=/dev/zero", f"of={tmp_path / 'zeros'}", "count=1"]
    run([*words, "bs=4096"], bounds=Bounds(data=1 << 26, written=4096))
    with pytest.raises(BuildError, match=r"^dd was killed by signal 25"):  # SIGXFSZ
        run([*words, "bs=4097"], bounds=Bounds(written=4096))
    with pytest.raises(BuildError, match=r"^dd failed with exit code 1") as caught:
        run([*words, "bs=512M"], bounds=Bounds(data=1 << 26))
    assert "memory exhausted" in caught.value.hint


def test_a_bound_that_we_have_ourselves_is_not_lifted() -> None:
    script = "from democd.host.bounds import Bounds; print(Bounds(data=1 << 40).kept()[1])"
    words = [sys.executable, "-c", script]
    ours = run(words, cwd=PROJECT, bounds=Bounds(data=1 << 32)).stdout
    assert (ours, run(words, cwd=PROJECT).stdout) == (
        f"--data={1 << 32}\n",
        f"--data={1 << 40}\n",
    )


def test_what_cannot_be_started_within_bounds_is_told_as_without(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/none/such\n")
    program.chmod(0o755)
    for bounds in (Bounds(), Bounds(data=1 << 26)):
        with pytest.raises(BuildError) as caught:
            run([program], bounds=bounds)
        assert caught.value.message == f"cannot start {program}: No such file or directory"


def test_names_of_files_can_stay_what_they_are() -> None:
    printed = run(["printf", r"\377"], errors="surrogateescape").stdout
    assert os.fsencode(printed) == b"\xff"


def test_nothing_of_the_users_settings_leaks_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    before = os.umask(0o077)
    try:
        done = run(["sh", "-c", "env; umask"], env={"EXTRA": "1"})
    finally:
        os.umask(before)
    told = set(done.stdout.splitlines())
    assert {"TZ=UTC", "LC_ALL=C.UTF-8", "EXTRA=1", "http_proxy=http://proxy:3128", "0022"} <= told
    assert not [line for line in told if line.startswith(("LANG=", "GIT_DIR="))]


def test_a_failure_names_the_command_and_its_last_lines() -> None:
    with pytest.raises(BuildError) as caught:
        run(["sh", "-c", "seq 100 >&2; exit 7", "a b"])
    assert caught.value.message == "sh failed with exit code 7"
    told = caught.value.hint.splitlines()
    assert told[0].startswith("$ ")
    assert told[0].endswith("sh -c 'seq 100 >&2; exit 7' 'a b'")
    assert told[-1] == "100"
    assert "1" not in told, "only the last lines"


def test_a_killed_program_is_told_so() -> None:
    with pytest.raises(BuildError, match="killed by signal 9"):
        run(["sh", "-c", "kill -9 $$"])


def test_a_missing_program_is_told_with_its_package() -> None:
    with pytest.raises(BuildError, match="frobnicate is not installed"):
        run(["frobnicate"])
    with pytest.raises(BuildError, match="cannot start"):
        run(["/nowhere/frobnicate"])


def builder_running(argv: list[str], *, contained: bool) -> subprocess.Popen[str]:
    """Start a process that runs `argv` as the builder does; its output is the program's stderr."""
    script = (
        "import sys; from democd.host.run import run\n"
        f"run({argv!r}, contained={contained}, on_line=lambda line: print(line, flush=True))"
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def test_a_child_dies_with_a_killed_builder() -> None:
    builder = builder_running(["sh", "-c", "echo $$ >&2; exec sleep 60"], contained=False)
    with builder:
        assert builder.stdout
        child = int(builder.stdout.readline())
        assert is_alive(child)
        builder.kill()
    assert gone_within(child, 5)


def test_no_python_runs_between_fork_and_exec() -> None:
    """It could wait there for ever for a lock of another thread; so none is called in the child."""
    script = (
        "import os, time; from democd.host.run import run; "
        "os.register_at_fork(after_in_child=lambda: time.sleep(60)); run(['true'])"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def namespaces_allowed() -> bool:
    try:
        return run(["true"], contained=True).stdout == ""
    except BuildError:
        return False


@pytest.mark.skipif(not namespaces_allowed(), reason="this host allows no namespaces")
def test_what_a_contained_child_started_dies_too(tmp_path: Path) -> None:
    # A grandchild in a session of its own, as daemons are; found by its odd argument.
    odd = f"61.{os.getpid()}"
    script = f"setsid sleep {odd} & mount -t tmpfs none {tmp_path}; echo up >&2; sleep 60"
    builder = builder_running(["sh", "-c", script], contained=True)
    with builder:
        assert builder.stdout
        assert builder.stdout.readline() == "up\n"
        deadline = time.monotonic() + 5
        while not (found := [pid for pid in pids() if command_line(pid) == ["sleep", odd]]):
            assert time.monotonic() < deadline
        builder.kill()
    assert all(gone_within(pid, 5) for pid in found)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def test_a_program_that_fetches_next_to_nothing_is_ended(tmp_path: Path) -> None:
    drop = f"while :; do printf x >> {tmp_path}/got; sleep 0.1; done"
    begun = time.monotonic()
    with pytest.raises(BuildError, match="sh got next to nothing in 0 seconds, and was ended"):
        run(["sh", "-c", drop], contained=True, growing=tmp_path, patience=0.4)
    assert time.monotonic() - begun < 20


def test_a_program_that_fetches_slowly_but_well_is_not_ended(tmp_path: Path) -> None:
    pour = f"for n in 1 2 3 4 5 6; do head -c 4000 /dev/zero >> {tmp_path}/got; sleep 0.2; done"
    run(["sh", "-c", pour], growing=tmp_path, patience=0.6)
