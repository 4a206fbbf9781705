"""`xendemo world`: what is wanted, what is in the way, and the commands of the plan."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.building import PROJECT
from tests.support.processes import is_alive
from xendemo import cli
from xendemo.errors import Failure, InputError
from xendemo.world import command, doing, facts, plan
from xendemo.world.facts import Facts, Place
from xendemo.world.options import Options, Pairs, settle
from xendemo.world.plan import MB, Step

GB = 1000 * MB
AMPLE = Facts(
    processors=2,
    available=4 * GB,
    version="4.20.1",
    bare=True,
    tarballs=("/src/linux-6.12.tar.xz",),
    config="/boot/config-6.12-amd64",
    missing=(),
    place=Place(free=50 * GB),
    elsewhere=(),
)
KERNELS = Options(targets=("xen0", "xenU"))


def wanted(*words: str, mistakes: Pairs | None = None, **environment: str) -> Options:
    return settle(
        words, environment, source="/src/xen", folder="/w", jobs=0, configure="",
        mistakes=[] if mistakes is None else mistakes,
    )  # fmt: skip


def commands(options: Options, now: Facts) -> list[str]:
    return [step.command() for step in plan.make(options, now)]


# --- what is wanted -------------------------------------------------------------------------------


def test_without_words_it_is_xen_and_its_tools() -> None:
    assert wanted().targets == ("xen", "tools")


def test_words_are_targets_and_variables() -> None:
    options = wanted("tools", "XEN_VENDORVERSION=-a b", "xen", "debug=y")
    assert options.targets == ("xen", "tools")
    assert options.variables == ("XEN_VENDORVERSION=-a b", "debug=y")
    assert wanted("kernels").targets == ("xen0", "xenU")


def test_the_variables_of_2004_are_words_or_environment() -> None:
    everything = ("xen", "tools", "xen0", "xenU")
    assert (wanted("LINUX_SRC=/l.tar").targets, wanted("LINUX_SRC=/l.tar").tarball) == (
        everything,
        "/l.tar",
    )
    options = wanted(LINUX_SRC="/a.tar", LINUX_SRC_PATH="/mnt:/srv")
    assert (options.targets, options.tarball, options.searched) == (
        everything, "/a.tar", "/mnt:/srv",
    )  # fmt: skip
    assert wanted("LINUX_SRC=/b.tar", LINUX_SRC="/a.tar").tarball == "/b.tar"
    assert wanted("xenU", LINUX_SRC="/a.tar").targets == ("xenU",)
    assert "LINUX_SRC=/b.tar" not in wanted("LINUX_SRC=/b.tar").variables


def test_options_may_stand_between_words() -> None:
    words = ["world", "xen", "-j2", "tools", "--xen", "/x", "debug=y", "-n"]
    args = cli.parser(words).parse_args(words)
    assert (args.words, args.jobs, args.xen) == (["xen", "tools", "debug=y"], 2, "/x")
    assert args.dry_run
    with pytest.raises(InputError, match="unrecognized arguments: --xne"):
        cli.parser(words).parse_args([*words, "--xne"])


def test_all_wrong_words_are_told() -> None:
    mistakes: Pairs = []
    wanted("xne", "9=3", mistakes=mistakes)
    assert [what for what, _ in mistakes] == [
        "xne: there is no such thing to build", "9=3: there is no such thing to build",
    ]  # fmt: skip
    assert mistakes[0][1].startswith("did you mean xen?")
    settle([], {}, source="", folder="", jobs=-2, configure="'a", mistakes=mistakes)
    assert ["-j -2" in mistakes[2][0], "--configure 'a" in mistakes[3][0]] == [True, True]


# --- what there is --------------------------------------------------------------------------------


def test_the_newest_kernel_is_taken() -> None:
    names = ["/a/linux-6.9.tar.gz", "/b/linux_6.12.118.orig.tar.xz", "/a/linux-6.12.9.tar.xz",
             "/a/linux-firmware-9.tar.xz", "/a/linux-7.0.patch"]  # fmt: skip
    assert facts.read_newest(names)[:2] == ["/b/linux_6.12.118.orig.tar.xz",
                                            "/a/linux-6.12.9.tar.xz"]  # fmt: skip
    assert len(facts.read_newest(names)) == 3
    assert facts.read_newest(["/a/linux-source-6.12.tar.xz"]) == ["/a/linux-source-6.12.tar.xz"]


def test_tarballs_are_looked_for_in_all_folders(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/linux-6.1.tar.xz").touch()
    options = Options(searched=f"/nowhere:{tmp_path}/b")
    assert facts.find_tarballs(options) == (f"{tmp_path}/b/linux-6.1.tar.xz",)
    assert facts.find_tarballs(Options(tarball=f"{tmp_path}/gone.tar")) == ()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("export XEN_VERSION = 4\nexport XEN_SUBVERSION = 20\n"
         "export XEN_EXTRAVERSION ?= .1$(XEN_VENDORVERSION)\n", "4.20.1"),
        ("XEN_VERSION      = 4\nXEN_SUBVERSION   = 21\nXEN_EXTRAVERSION ?= -unstable$(X)\n",
         "4.21-unstable"),
        ("all:\n", ""),
    ],
)  # fmt: skip
def test_the_version_of_a_tree(text: str, version: str) -> None:
    assert facts.read_version(text) == version


def test_what_a_folder_lies_on() -> None:
    mounts = ("overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n"
              "/dev/sda1 /mnt/my\\040disk ext4 rw,relatime 0 0\n")  # fmt: skip
    assert facts.read_type(mounts, "/var/tmp") == "overlay"
    assert facts.read_type(mounts, "/mnt/my disk/world") == "ext4"
    assert facts.read_type(mounts, "/mnt/my disks") == "overlay"


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    seen = facts.look_at(f"{tmp_path}/a/b", mounts)
    assert (seen.trouble, seen.xen, seen.free > 0) == ("", False, True)
    (tmp_path / "file").touch()
    assert "is no folder" in facts.look_at(f"{tmp_path}/file/b", mounts).trouble
    (tmp_path / "a/xen/xen").mkdir(parents=True)
    (tmp_path / "a/xen/xen/Makefile").touch()
    assert facts.look_at(f"{tmp_path}/a", mounts).xen


# --- the plan -------------------------------------------------------------------------------------


def test_debians_tree_gets_its_configure_back() -> None:
    told = commands(wanted("XEN_VENDORVERSION=-a b"), AMPLE)
    assert [line.split()[0] for line in told] == ["sh", "sh", "make", "sh", "env", "make"]
    assert told[0].endswith("cp -dR --preserve=mode,timestamps /src/xen/. /w/xen.new; "
                            "mv /w/xen.new /w/xen'")  # fmt: skip
    assert told[2] == "make -C /w/xen -j2 DISTDIR=/w 'XEN_VENDORVERSION=-a b' dist-xen"
    assert "autogen.sh" in told[3]
    assert "--with-system-qemu=" in told[4]
    assert "autogen" not in "".join(commands(wanted(), replace(AMPLE, bare=False)))


def test_a_second_run_goes_on() -> None:
    again = replace(AMPLE, place=replace(AMPLE.place, xen=True, configured=True, linux=True))
    told = "\n".join(commands(wanted("tools", "xenU"), again))
    assert "cp -dR" not in told
    assert "configure" not in told
    assert "tar" not in told
    assert plan.needed(wanted(), again) < plan.needed(wanted(), AMPLE)


def test_the_hypervisor_alone_needs_no_configure() -> None:
    assert "./configure" not in "".join(commands(wanted("xen"), AMPLE))


def test_kernels_come_from_one_tarball() -> None:
    told = "\n".join(commands(KERNELS, AMPLE))
    assert told.count("tar -xf /src/linux-6.12.tar.xz") == 1
    assert "cat /boot/config-6.12-amd64 /usr/share/xendemo/xen0.config" in told
    assert "KCONFIG_ALLCONFIG=/usr/share/xendemo/xenU.config allnoconfig" in told
    assert "dist-xen" not in told
    kernel = commands(replace(KERNELS, jobs=7), AMPLE)
    assert sum(" -j7 " in line for line in kernel) == 2


def test_nothing_is_in_the_way_where_there_is_ample_room() -> None:
    assert plan.mistakes(Options(targets=("xen", "tools", "xen0", "xenU")), AMPLE) == []


@pytest.mark.parametrize(
    ("options", "now", "what", "remedy"),
    [
        (Options(), replace(AMPLE, version=""), "no source of Xen on this disc", "--xen DIR"),
        (wanted(), replace(AMPLE, version=""), "/src/xen is no source tree", "xen/Makefile"),
        (KERNELS, replace(AMPLE, tarballs=()), "no tarball of a kernel", "LINUX_SRC=FILE"),
        (replace(KERNELS, tarball="/x"), replace(AMPLE, tarballs=()), "no file /x", "name"),
        (KERNELS, replace(AMPLE, config=""), "no configuration in /boot", "xenU alone"),
        (Options(), replace(AMPLE, missing=("gcc", "iasl")), "no program gcc and no iasl", "devel"),
        (Options(), replace(AMPLE, place=Place("nothing can be written to /x")),
         "nothing can be written to /x", "--dir DIR"),
        (Options(), replace(AMPLE, place=Place(free=100 * MB)),
         "room for 100 MB, 190 MB are needed", "mkfs.ext4"),
        (Options(), replace(AMPLE, place=Place(free=0), elsewhere=(("/mnt", 9 * GB),)),
         "room for 0 MB", "name a folder on /mnt (9.0 GB free): --dir DIR"),
        (Options(), replace(AMPLE, available=500 * MB, place=Place(free=GB, in_memory=True)),
         "500 MB of memory are left, 590 MB are needed, as /var/tmp/world lies in memory",
         "dom0_mem=max:2G"),
        (Options(), replace(AMPLE, available=300 * MB), "300 MB of memory are left", "-j1"),
    ],
)  # fmt: skip
def test_what_is_in_the_way(options: Options, now: Facts, what: str, remedy: str) -> None:
    ((message, hint),) = plan.mistakes(options, now)
    assert what in message
    assert remedy in hint


def test_less_at_a_time_needs_less_memory() -> None:
    now = replace(AMPLE, available=300 * MB)
    assert plan.mistakes(Options(jobs=1), now) == []


# --- the act --------------------------------------------------------------------------------------


def test_what_programs_write_is_in_the_log(tmp_path: Path) -> None:
    told, log = io.StringIO(), tmp_path / "new/world.log"
    steps = [Step("greeting", ("echo", "good day")), Step("leaving", ("sh", "-c", "echo bye >&2"))]
    doing.perform(steps, str(log), told)
    assert told.getvalue() == "[ 1/2] greeting\n[ 2/2] leaving\n"
    assert log.read_text() == "\n### greeting\n$ echo 'good day'\ngood day\n" \
        "\n### leaving\n$ sh -c 'echo bye >&2'\nbye\n"  # fmt: skip


def test_a_failure_is_told_with_its_first_and_last_lines(tmp_path: Path) -> None:
    script = "echo x.c:3: error: no semicolon; seq 50; exit 3"
    steps = [Step("one", ("echo", "error: not mine")), Step("compiling", ("sh", "-c", script)),
             Step("never", ("touch", f"{tmp_path}/never"))]  # fmt: skip
    with pytest.raises(Failure) as caught:
        doing.perform(steps, f"{tmp_path}/log", io.StringIO())
    ((message, hint),) = caught.value.pairs
    assert message == "compiling failed with status 3"
    assert hint.splitlines()[:2] == ["x.c:3: error: no semicolon", "..."]
    assert hint.splitlines()[-2:] == ["50", f"all of it is in {tmp_path}/log"]
    assert "not mine" not in hint
    assert not (tmp_path / "never").exists()


def test_ctrl_c_ends_what_is_being_built(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from xendemo.errors import Interrupted\n"
        "from xendemo.world import doing, plan\n"
        "step = plan.Step('waiting', ('sh', '-c', f'echo $$ >{sys.argv[2]}; exec sleep 60'))\n"
        "try: doing.perform([step], sys.argv[2] + '.log', sys.stdout)\n"
        "except Interrupted as told: print(told)\n"
    )
    package = PROJECT / "overlays/xendemo/usr/lib/xendemo"
    with subprocess.Popen(
        [sys.executable, "-c", script, package, started], stdout=subprocess.PIPE, text=True
    ) as child:
        while not (started.exists() and started.read_text().endswith("\n")):
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=30)[0] == (
            "[ 1/1] waiting\ninterrupted; the same command goes on from here\n"
        )
    assert not is_alive(int(started.read_text()))


def test_the_last_line_is_one_that_a_terminal_can_show(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 9000 + b"\n  CC\tkernel/a.o\x1b[2J\n\n")
    assert doing.last_line(str(path)) == "CC kernel/a.o[2J"
    path.write_bytes(b"gcc -O2 -a -b -c -d -e -f -g -o xl.o xl.c\n")
    assert doing.last_line(str(path)) == "gcc … xl.c"
    path.write_bytes(b"")
    assert doing.last_line(str(path)) == ""


def test_what_to_do_with_it_names_what_was_built(tmp_path: Path) -> None:
    options = replace(wanted("xen", "tools", "xenU"), folder=str(tmp_path))
    boot = tmp_path / "install/boot"
    boot.mkdir(parents=True)
    for name in ("xen-4.20.1.gz", "vmlinuz-6.12.1-xenU", "xen-4.20.1.config"):
        (boot / name).touch()
    (boot / "xen.gz").symlink_to("xen-4.20.1.gz")
    told = command.summary(options, 83)
    assert told.startswith(f"Done in 1:23. In {tmp_path}/install:\n  boot/vmlinuz-6.12.1-xenU\n")
    assert "\n  boot/xen.gz" not in told
    assert f"--install-tree {tmp_path}/install --guest-kernel {boot}/vmlinuz-6.12.1-xenU" in told
    alone = command.uses(replace(options, targets=("xen",)), {"xen0": [], "xenU": []})
    assert f"--xen {boot}/xen.gz" in alone[1]


def test_all_that_is_in_the_way_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]
    code = cli.main(["world", "xen", "LINUX_SRC=none.tar", "tolls", "--xen", ".", "--dir", "out"])
    for number, handler in before:
        signal.signal(number, handler)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "error: tolls: there is no such thing to build\n  did you mean tools?" in err
    assert f"error: {tmp_path} is no source tree of Xen\n" in err
    assert list(tmp_path.iterdir()) == []
