"""Builds that are killed, interrupted, out of room or lied to by their own disk, at each stage.

A disc is built once, and then again and again with a fault at each of its stages in turn, whatever
stages there are. The next build goes on where the last one ended, and the disc is the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from democd import sums
from democd.artifacts import Root
from democd.digests import file_digest
from democd.stages import packages
from tests.support.building import BOOKWORM_ROOT, BUILD
from tests.support.faults import BEGIN, END, Place, in_order, scratch_of, signalling, stage_of
from tests.support.namespaces import alone
from tests.support.processes import state
from tests.support.traces import wait_for

pytestmark = pytest.mark.build

QUICK = (*BOOKWORM_ROOT, "layers.level=1", "disc.name=quick", "disc.media=dvd", "disc.version=1")
"""A disc of all stages, of the smaller root, packed by what packs quickest."""
GIVEN = ("packages", "root")
"""Stages that take minutes and the network: tests/build/test_ends.py ends them."""
LONG = ("base", "initrd-xen0", "initrd-xenU")
"""Stages that take so long that what others have made of them is taken over here."""
OLD = "the disc of yesterday"
PAGE = 4096


@pytest.fixture(scope="module")
def whole(bookworm_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The disc and all kept results, as they are when nothing happens."""
    top = tmp_path_factory.mktemp("whole")
    place = Place(top / "build", top / "dist", QUICK)
    steps = bookworm_root.made.path.parent
    place.keep([bookworm_root.made.path, *steps.glob("packages-*")])
    done = place.run()
    assert done.returncode == 0, done.stderr
    # Its list of packages is the one that was used last; the other discs' are of no use here.
    *others, _ = sorted(
        (place.build / "steps").glob("packages-*"), key=lambda it: it.stat().st_mtime
    )
    for other in others:
        shutil.rmtree(other)
    return place


@pytest.fixture(scope="module")
def results(whole: Place) -> list[Path]:
    """The kept results but for the root's, in the order in which they are made."""
    found = [it for it in in_order(whole.build) if stage_of(it) not in GIVEN]
    stages = [stage_of(it) for it in found]
    assert {"base", "survey", "layer-common", "initrd-xen0", "bootimg"} <= set(stages)
    return found


@pytest.fixture
def place(whole: Place, tmp_path: Path) -> Place:
    """A build folder with the root alone, and the disc of yesterday beside it."""
    place = Place(tmp_path / "build", tmp_path / "dist", QUICK)
    place.keep(it for it in in_order(whole.build) if stage_of(it) in GIVEN)
    place.output.mkdir()
    (place.output / "quick.iso").write_text(OLD)
    return place


def is_as(whole: Place, place: Place) -> bool:
    names = {path.name for path in whole.output.iterdir()}
    assert {path.name for path in place.output.iterdir()} == names
    return all(file_digest(place.output / it) == file_digest(whole.output / it) for it in names)


def test_ended_at_each_stage_and_gone_on_with(
    whole: Place, results: list[Path], place: Place
) -> None:
    """By SIGKILL when all of a stage is there but not kept yet; long ones by Ctrl-C as well."""
    for result in results:
        stage = stage_of(result)
        if stage in LONG:
            before = place.kept()
            done = place.signalled(BEGIN, scratch_of(stage), signal.SIGINT)
            assert done.returncode == 130, (stage, done.stderr)
            assert "Traceback" not in done.stderr, (stage, done.stderr)
            assert not place.scratch(), stage
            assert before.items() <= place.kept().items(), stage
            assert stage not in place.kept()
        before = place.kept()
        done = place.signalled(END, scratch_of(stage), signal.SIGKILL)
        assert done.returncode == -signal.SIGKILL, (stage, done.stderr)
        assert before.items() <= place.kept().items(), stage
        assert stage not in place.kept()
        assert [stage_of(it) for it in place.scratch()] == [stage]
        if stage in LONG:
            place.keep([result])  # as the next build would make it
    for name, number, code in (("part", signal.SIGKILL, -9), ("new", signal.SIGINT, 130)):
        # The disc has been written, and is about to be called what it shall be called.
        done = place.signalled(END, rf"/\.quick\.iso\.new{'.part' * (name == 'part')}$", number)
        assert done.returncode == code, (name, done.stderr)
        assert (place.output / "quick.iso").read_text() == OLD
    before = place.kept()
    assert set(before) == {*GIVEN, *map(stage_of, results)}
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert place.kept() == before
    assert not place.scratch()
    assert is_as(whole, place)


def test_damage_in_each_kind_of_kept_result(
    whole: Place, results: list[Path], place: Place
) -> None:
    """A bit flips in one file of each, the times as they were; all are noticed in one build."""
    steps = place.build / "steps"
    for result in results:
        shutil.copytree(result, steps / result.name, symlinks=True)
        largest = max(
            (
                it
                for it in (steps / result.name).rglob("*")
                if it.is_file() and it.name != sums.FILE
            ),
            key=lambda it: it.stat().st_size,
        )
        _flip(largest)
    (root,) = steps.glob("root-*")
    done = place.run()
    assert done.returncode == 0, done.stderr
    for result in results:
        line = f"damaged: {result.name} ("
        assert done.stderr.count(line) == 1, (line, done.stderr)
    assert done.stderr.count("damaged:") == len(results)
    assert is_as(whole, place)
    # The list of packages is asked for anew; it is the same, and so nothing else is made.
    before = place.kept()
    (listed,) = steps.glob("packages-*")
    _flip(_unlinked(listed / packages.LIST))
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert f"damaged: {listed.name} (" in done.stderr
    assert before.items() - place.kept().items() == {("packages", before["packages"])}
    assert is_as(whole, place)
    # Of the root's modules nothing is read, as long as the initrds are kept; then they are compared
    # before one is made. To make the root again takes minutes: that it begins is enough.
    module = max((root / "parts/usr/lib/modules").rglob("*.ko*"), key=lambda it: it.stat().st_size)
    _flip(_unlinked(module))
    assert "damaged" not in place.run().stderr
    for initrd in steps.glob("initrd-xen0-*"):
        shutil.rmtree(initrd)
    done = place.signalled(BEGIN, scratch_of("root"), signal.SIGKILL)
    assert f"damaged: {root.name} (parts/usr/lib/modules/" in done.stderr
    assert not root.exists()
    assert not list(steps.glob("initrd-xen0-*"))


def _unlinked(path: Path) -> Path:
    """Make a file, which is a link to the checkout's, one of its own."""
    shutil.copy2(path, beside := path.with_name("beside"))
    return beside.replace(path)


def _flip(path: Path) -> None:
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(status.st_size // 2)
        byte = stream.read(1)
        stream.seek(status.st_size // 2)
        stream.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_full_disk_at_each_stage(whole: Place, results: list[Path], tmp_path: Path) -> None:
    (root,) = (whole.build / "steps").glob("root-*")
    place = Place(tmp_path / "build", tmp_path / "dist", QUICK)

    def work() -> None:
        place.build.mkdir()
        _mount_tmpfs(place.build, "900M")
        (place.build / "steps" / root.name).mkdir(parents=True)
        subprocess.run(["mount", "--bind", root, place.build / "steps" / root.name], check=True)
        place.keep((whole.build / "steps").glob("packages-*"), copy=True)
        (place.build / "tmp").mkdir()
        (place.build / "lock").touch()
        place.output.mkdir()
        (place.output / "quick.iso").write_text(OLD)
        for result in results:
            stage, before = stage_of(result), place.kept()
            size = sum(it.stat().st_size for it in result.rglob("*") if it.name != sums.FILE)
            _fill(place.build, min(size // 2, 1 << 20) // PAGE)
            done = place.run()
            assert done.returncode == 1, (stage, done.stderr)
            assert f"error: no room left in {place.build} for {stage}\n" in done.stderr, done.stderr
            assert "MB when that began" in done.stderr
            assert "Traceback" not in done.stderr
            assert place.kept() == before, stage
            assert not place.scratch(), stage
            (place.build / "ballast").unlink()
            shutil.copytree(result, place.build / "steps" / result.name, symlinks=True)
        _a_full_output(place)
        for result in results:
            if stage_of(result) not in LONG:
                shutil.rmtree(place.build / "steps" / result.name)
        done = place.run()
        assert done.returncode == 0, done.stderr
        assert is_as(whole, place)

    alone(work)


def test_a_full_disk_where_the_root_is_made(whole: Place, tmp_path: Path) -> None:
    """First there is no room for what the archive has, then for the packages, then for the root."""
    words = ("--cache", str(BUILD / "cache/packages"))
    place = Place(tmp_path / "build", tmp_path / "dist", QUICK, words)

    def work() -> None:
        place.build.mkdir()
        _mount_tmpfs(place.build, "1500M")
        place.output.mkdir()
        for folder in ("steps", "tmp"):
            (place.build / folder).mkdir()
        (place.build / "lock").touch()
        for stage, room in (("packages", 4), ("the build", 40), ("root", 320)):
            if stage != "packages":
                place.keep((whole.build / "steps").glob("packages-*"), copy=True)
            before = place.kept()
            _fill(place.build, (room << 20) // PAGE)
            done = place.run()
            assert done.returncode == 1, (stage, done.stderr)
            assert f"error: no room left in {place.build} for {stage}\n" in done.stderr, done.stderr
            assert "Traceback" not in done.stderr
            assert place.kept() == before, stage
            assert not place.scratch(), stage
            assert not list(place.output.iterdir())
            (place.build / "ballast").unlink()
            shutil.rmtree(place.build / "steps")
            (place.build / "steps").mkdir()

    alone(work)


def _a_full_output(place: Place) -> None:
    """The disc finds no room: the old one stays. A full /tmp is nobody's trouble."""
    other = Place(place.build, place.output / "small", QUICK)
    other.output.mkdir()
    _mount_tmpfs(other.output, "40M")
    (other.output / "quick.iso").write_text(OLD)
    done = other.run()
    assert done.returncode == 1
    assert f"error: no room left in {other.output} for quick.iso\n" in done.stderr
    assert "--output-dir" in done.stderr
    assert "the disc takes" in done.stderr
    assert [path.name for path in other.output.iterdir()] == ["quick.iso"]
    assert (other.output / "quick.iso").read_text() == OLD
    _fill(other.output, 0)
    before = place.kept()
    os.environ["TMPDIR"] = str(other.output)  # of this child alone
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert place.kept() == before
    subprocess.run(["umount", other.output], check=True)
    other.output.rmdir()


def _mount_tmpfs(folder: Path, size: str) -> None:
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
    subprocess.run(["mount", *options, folder], check=True)


def _fill(folder: Path, pages: int) -> None:
    """Leave so much room, and no more."""
    found = os.statvfs(folder)
    left = found.f_bavail * found.f_frsize - pages * PAGE
    with (folder / "ballast").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(left, 1))
    found = os.statvfs(folder)
    assert found.f_bavail * found.f_frsize == pages * PAGE


def test_two_builds_at_once_in_one_folder(whole: Place, results: list[Path], place: Place) -> None:
    """The second says so and ends, while the first works; a smoke test would wait."""
    place.keep(results)
    first = place.start(*signalling(END, r"/\.quick\.iso\.new\.part$", signal.SIGSTOP))
    assert wait_for(lambda: state(first.pid) == "T", 60)
    second = place.run()
    os.kill(first.pid, signal.SIGCONT)
    _, said = first.communicate(timeout=600)
    assert first.returncode == 0, said
    assert second.returncode == 1
    assert second.stderr == (
        f"error: another build is at work in {place.build}\n"
        "  wait for it, or choose another folder with --build-dir\n"
    )
    assert is_as(whole, place)
