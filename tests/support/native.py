"""The installer at work on this host, without an emulator: its disk is a sparse file.

`python -m tests.support.native FOLDER install|copy|run …`: as root, in its own mount namespace.
The kernel here may know neither partitions on loop devices nor ISO 9660, so each partition gets a
loop device of its own, and the disc is a folder. Without FAT, the steps that need the ESP are left
out, and told.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "overlays/xendemo/usr/lib/xendemo"))
if __name__ == "__main__":  # tests keep their bytecode elsewhere
    sys.dont_write_bytecode = True

from democd.formats.isoread import open_disc  # noqa: E402
from xendemo.errors import Failure, explain  # noqa: E402
from xendemo.install import doing, medium, whole_disk  # noqa: E402
from xendemo.install.devices import Device  # noqa: E402
from xendemo.install.facts import Disc, Facts  # noqa: E402
from xendemo.install.log import Log  # noqa: E402
from xendemo.install.options import Options  # noqa: E402
from xendemo.install.progress import Progress  # noqa: E402
from xendemo.install.steps import Plan, Run  # noqa: E402

SIZE = 4 << 30
DISK = "/dev/target"  # a name that GRUB does not take for a partition of something
PASSWORD = "Neues7"
HASH = (  # of it, from `openssl passwd -6`
    "$6$ab12cd34$f2ORLbVn1Q2Qj9i2jZs6Fz//whM0WIfigRiZ5i"
    "ASFWRodVjsb47/ynAyvwQGKSSnKtWjt98BXaQu9CwI5FBrO1"
)
NODES = ("null", "zero", "full", "random", "urandom", "tty", "loop-control")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


def unpack(iso: Path, folder: Path) -> None:
    """Unpack a disc into a folder, as a mount of it would look."""
    with open_disc(iso) as disc:
        for path, extent in disc.files().items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                for chunk in disc.chunks(extent):
                    stream.write(chunk)


def start(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run this module in a mount namespace; what it mounts goes when it ends."""
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-m",
         "tests.support.native", str(folder), *words],
        cwd=PROJECT, text=True, capture_output=True, check=False,
    )  # fmt: skip


def has_fat() -> bool:
    """Whether this kernel has FAT, now or after a look for its module."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", "vfat"], check=False, stderr=subprocess.DEVNULL)
    return "\tvfat\n" in Path("/proc/filesystems").read_text()


def own_dev() -> None:
    """Put a /dev of our own in the place of the host's, and a /run."""
    subprocess.run(["mount", "-t", "tmpfs", "run", "/run"], check=True)
    new = Path("/run/dev")
    (new / "disk/by-uuid").mkdir(parents=True)
    for name in NODES:
        info = Path(f"/dev/{name}").stat()
        os.mknod(new / name, info.st_mode, info.st_rdev)
    for number in range(64):  # others on this host take some of them meanwhile
        os.mknod(new / f"loop{number}", 0o60600, os.makedev(7, number))
    for name, target in LINKS.items():
        (new / name).symlink_to(target)
    subprocess.run(["mount", "--rbind", new, "/dev"], check=True)


@contextlib.contextmanager
def loops(image: Path, spans: dict[str, tuple[int, int]]) -> Iterator[None]:
    """Give devices to spans of a file: path to start and size, in bytes."""
    held = []
    try:
        for path, (begin, size) in spans.items():
            number = _free_loop()
            _do("losetup", "-o", str(begin), "--sizelimit", str(size), number, str(image))
            held.append(os.open(number, os.O_RDWR | os.O_CLOEXEC))
            # It goes when nobody has it open any more, however we end.
            _do("losetup", "-d", number)
            os.mknod(path, 0o60600, Path(number).stat().st_rdev)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


def _free_loop() -> str:
    found = subprocess.run(["losetup", "--find"], check=True, text=True, capture_output=True)
    number = found.stdout.strip()
    if not Path(number).exists():
        os.mknod(number, 0o60600, os.makedev(7, int(number.removeprefix("/dev/loop"))))
    return number


def disc_at(folder: Path, iso: Path) -> Disc:
    """Return what the unpacked disc is; the .iso file stands for its device."""
    about = json.loads((folder / medium.MANIFEST).read_text())
    size = iso.stat().st_size
    return medium.read_disc(about, str(folder), str(iso), frozenset(), "XENDEMO", size)


def plan_for(folder: Path, iso: Path, options: dict[str, Any]) -> Plan:
    """Return the plan for the disk, less what this kernel cannot do."""
    facts = Facts(
        disc=disc_at(folder / "disc", iso), devices=(Device(DISK, "disk", SIZE),), uefi=False,
        efivars=False, machine="x86_64", guest_disks=frozenset(), live=True,
    )  # fmt: skip
    whole = whole_disk.plan(facts, Options("disk", DISK, password_hash=HASH, **options))
    if has_fat():
        return whole
    steps = []
    for step in whole.steps:
        if "efi" in step.command().lower() and not step.command().startswith("mkfs"):
            print(f"left out, as this kernel has no FAT: {step.command()}")
        else:
            steps.append(step)
    return Plan(whole.title, whole.words, tuple(steps), whole.confirm, whole.after,
                ruin=whole.ruin, log=whole.log)  # fmt: skip


def spans_of(plan: Plan) -> dict[str, tuple[int, int]]:
    """Return what each device of the disk spans, by the table that sfdisk is told to write."""
    (table,) = (
        step.given for step in plan.steps if isinstance(step, Run) and step.argv[0] == "sfdisk"
    )
    found = {DISK: (0, SIZE)}
    for number, span in enumerate(re.findall(r"start=(\d+), size=(\d+)", table), 1):
        start, size = map(int, span)
        found[f"{DISK}{number}"] = (start * 512, size * 512)
    return found


def install(folder: Path, iso: Path, options: dict[str, Any]) -> float:
    """Install, and return the seconds it took; the spans are kept for `run`."""
    plan = plan_for(folder, iso, options)
    image = folder / "disk.img"
    image.unlink(missing_ok=True)
    with image.open("wb") as stream:
        stream.truncate(SIZE)
    spans = spans_of(plan)
    roots = [
        step.argv for step in plan.steps if isinstance(step, Run) and "UNFINISHED" in step.argv
    ]
    device, uuid = roots[0][-1], roots[0][roots[0].index("-U") + 1]
    (folder / "spans.json").write_text(json.dumps({"spans": spans, "root": device, "uuid": uuid}))
    own_dev()
    Path(f"/dev/disk/by-uuid/{uuid}").symlink_to(f"../../{device.rpartition('/')[2]}")  # udev's
    with loops(image, spans):
        os.sync()
        begun = time.monotonic()
        log = Log()
        try:
            for warning in doing.perform(plan, Progress(sys.stderr, len(plan.steps)), log):
                print(f"warning: {warning}")
        finally:
            shutil.copy(log.path, folder / "install.log")
        return time.monotonic() - begun


def copy(folder: Path, iso: Path) -> float:
    """Copy the live system's tree and the disc by cp onto the same disk; return the seconds.

    The disk must have been installed to before. Its file system is made anew; that does not count.
    """
    kept = json.loads((folder / "spans.json").read_text())
    own_dev()
    layers = disc_at(folder / "disc", iso).layers
    with loops(folder / "disk.img", {kept["root"]: tuple(kept["spans"][kept["root"]])}):
        for name in ("target", "live", *layers):
            Path(f"/run/{name}").mkdir()
        for name in layers:
            layer = folder / f"disc/live/{name}.squashfs"
            _do("mount", "-t", "squashfs", "-o", "ro,loop", str(layer), f"/run/{name}")
        stack = ":".join(f"/run/{name}" for name in reversed(layers))
        _do("mount", "-t", "overlay", "-o", f"ro,lowerdir={stack}", "live", "/run/live")
        _do("mkfs.ext4", "-q", "-F", kept["root"])
        _do("mount", kept["root"], "/run/target")
        os.sync()
        begun = time.monotonic()
        _do("cp", "-a", "/run/live/.", "/run/target")
        _do("cp", str(iso), "/run/target/var/lib/disc.iso")
        _do("sync", "-f", "/run/target")
        seconds = time.monotonic() - begun
        for name in ("target", "live", *layers):
            _do("umount", f"/run/{name}")
    return seconds


def _do(*words: str) -> None:
    subprocess.run(words, check=True)


def run(folder: Path, script: str) -> int:
    """Run a shell script in the installed system, or beside its devices if it begins with #host."""
    kept = json.loads((folder / "spans.json").read_text())
    own_dev()
    Path(f"/dev/disk/by-uuid/{kept['uuid']}").symlink_to(f"../../{kept['root'].rpartition('/')[2]}")
    with loops(folder / "disk.img", {path: tuple(span) for path, span in kept["spans"].items()}):
        if script.startswith("#host"):
            return subprocess.run(
                ["sh", "-euc", script], check=False, env={**os.environ, "ROOT": kept["root"]}
            ).returncode
        target = "/run/target"
        Path(target).mkdir()
        subprocess.run(["mount", kept["root"], target], check=True)
        usr = f"{DISK}{len(kept['spans']) - 1}"
        if usr != kept["root"]:
            subprocess.run(["mount", usr, f"{target}/usr"], check=True)
        for name in ("dev", "proc", "sys"):
            subprocess.run(["mount", "--rbind", f"/{name}", f"{target}/{name}"], check=True)
        done = subprocess.run(["chroot", target, "/bin/sh", "-euc", script], check=False)
        subprocess.run(["umount", "-R", target], check=False)
        return done.returncode


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("act", choices=["install", "copy", "run"])
    parser.add_argument("words", nargs="+")
    args = parser.parse_args()
    if args.act == "run":
        sys.exit(run(args.folder, args.words[0]))
    iso = Path(args.words[0])
    if args.act == "copy":
        seconds = copy(args.folder, iso)
    else:
        try:
            seconds = install(args.folder, iso, json.loads(args.words[1]))
        except Failure as failure:
            sys.exit(explain(failure))
    print(f"seconds={seconds:.2f}")


if __name__ == "__main__":
    main()
