"""A burning from start to end: what is there, what speaks against it, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from democd.burn import compare, devices, disk, gather, judge, medium, optical
from democd.errors import BuildError, InputError, Mistakes
from democd.host.progress import Reporter
from democd.host.tools import require


@dataclass(frozen=True)
class Options:
    """What a person wants.

    Attributes:
        iso: the ISO.
        size: its bytes.
        target: /dev/sdb, /dev/sr0, stdio:FILE.
        fixed: a disk that is built in is meant.
        speed: of an optical drive, as a multiple of the single speed; 0 leaves it to the drive.
    """

    iso: Path
    size: int
    target: str
    fixed: bool = False
    speed: float = 0


@dataclass(frozen=True)
class Plan:
    """What will be written to, and how.

    Attributes:
        name: what the person types to say that it is meant.
        words: the device and what is on it, a line each.
        done: what happens to it, in a few words.
        disk: the disk, or None if it is an optical drive.
        optical: what is in that drive, or None.
    """

    name: str
    words: tuple[str, ...]
    done: str
    disk: devices.Device | None = None
    optical: medium.OpticalMedium | None = None


def plan(options: Options, wrong: Sequence[judge.Mistake] = ()) -> Plan:
    """Look at a device, and say what would be done to it; writes nothing.

    Args:
        options: what the person wants.
        wrong: mistakes that are known already, told with the others.

    Raises:
        Mistakes: all that speaks against it.
    """
    made, found = _look(options)
    if [*wrong, *found] or made is None:
        raise Mistakes([*wrong, *found])
    return made


def _look(options: Options) -> tuple[Plan | None, list[judge.Mistake]]:
    target = options.target
    if target.startswith(medium.STDIO):
        path = Path(target.removeprefix(medium.STDIO))
        if path.exists() and not path.is_file():
            return None, [(f"{target}: only a file can play a drive", f"name it itself: {path}")]
        if path.exists() and options.iso.exists() and path.samefile(options.iso):
            return None, [(f"{target} is the ISO itself", "name another file")]
        return _look_at_drive(options, target, [])
    facts = gather.gather(target)
    device = facts.device
    if device is not None and device.type == "rom":
        found = judge.in_the_way(facts, device)
        return _look_at_drive(options, device.path, found) if not found else (None, found)
    found = judge.mistakes(facts, options.size, fixed=options.fixed)
    if options.speed:
        found.append(("--speed is for optical drives", "leave it out"))
    if device is None or found:
        return None, found
    words = devices.about(device)
    return Plan(device.path, tuple(words), "is overwritten: what is on it is lost", disk=device), []


def _look_at_drive(
    options: Options, name: str, found: list[judge.Mistake]
) -> tuple[Plan | None, list[judge.Mistake]]:
    require(["xorriso"])
    there = optical.look(name)
    found = [*found, *medium.mistakes(there, name, options.size, options.speed)]
    words = medium.about(there, name)
    return Plan(name, tuple(words), "is burned, as one session", optical=there), found


def carry_out(made: Plan, options: Options, reporter: Reporter) -> None:
    """Write the ISO, read it back and compare it.

    Raises:
        BuildError: the device is another than the one that was shown, it fails, or what is read
            back is not the ISO.
    """
    again = plan(options)
    if (again.name, again.words) != (made.name, made.words):
        raise InputError(f"{made.name} is not what it was a moment ago", "\n".join(again.words))
    if made.disk:
        _write_disk(made.disk.path, options, reporter)
    elif made.optical:
        with reporter.step("burn", made.name) as step:
            optical.burn(made.optical, made.name, options.iso, options.size, options.speed, step.at)
            step.says(devices.say_size(options.size))
        read_back(optical.readable(made.name, options.size), options, reporter)


def _write_disk(path: str, options: Options, reporter: Reporter) -> None:
    with disk.claimed(path) as opened:
        with reporter.step("write", path) as step:
            disk.write(options.iso, options.size, opened, path, step.at)
            step.says(devices.say_size(options.size))
        read_back(path, options, reporter)
        opened.tell_partitions()


def read_back(path: str, options: Options, reporter: Reporter) -> None:
    """Compare a medium with the ISO.

    Raises:
        BuildError: it differs.
    """
    with reporter.step("read back", path) as step:
        try:
            difference = compare.compare(options.iso, options.size, path, step.at)
        except InputError as error:
            raise BuildError(f"{error.message}: it was written, but not compared") from error
        if difference:
            raise BuildError(
                f"{path} is not what was written: {difference}",
                "write it again; if that does not help, the medium or its socket is bad",
            )
        step.says("every byte is right")


def size_of(iso: Path, volume: int) -> int:
    """Return the bytes of an ISO: a file's own size, but of a drive's volume only.

    Args:
        iso: a file, or a drive that holds a disc.
        volume: bytes of the volume on it.
    """
    return iso.stat().st_size if iso.is_file() else volume
