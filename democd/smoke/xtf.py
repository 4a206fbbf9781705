"""XTF's way: test kernels, in dom0's place or as domains, whose own words are the verdict.

XTF (Xen's test framework) leaves, for each test and kind of domain, an image and a file for `xl`:
tests/example/test-pv64-example and test-pv64-example.cfg.
"""

from __future__ import annotations

import re
import tarfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from democd.errors import BuildError, Mistakes
from democd.host.qemu import Drive
from democd.smoke.cases import DOM0, MACHINES, Case
from democd.smoke.console import ConsoleError
from democd.smoke.disc import Disc
from democd.smoke.fatal import GRUB_ERROR
from democd.smoke.judging import judge
from democd.smoke.menu import FIRST_WORDS
from democd.smoke.runner import Hold, Trip, trip
from democd.smoke.steps import RESULT, Need, Run, Step, Trial, result_of
from democd.smoke.verdict import Verdict
from democd.smoke.visit import NO_DISC, Settings, Visit, Watcher, machine_for, opened

MACHINE = "bios-cd"
FOLDER = "/tmp/images"
ARCHIVE = "images.tar"
BLOCK = 2048  # bytes: a CD's

_UNPACK = f"""mkdir -p {FOLDER}
for d in /dev/sr1 /dev/sr0; do
tar -xf $d -C {FOLDER} 2>/dev/null && [ -e {FOLDER}/READY ] && exit 0
done; exit 1"""

_NEEDS = {
    "pv": (),
    "pvh": (Need("xl info virt_caps", r"\bhvm\b.*\b(hap|shadow)\b",
                 "a PVH domain needs hvm and hap (nested paging) or shadow"),),
    "hvm": (Need("xl info virt_caps", r"\bhvm\b.*\b(hap|shadow)\b",
                 "an HVM domain needs hvm and hap (nested paging) or shadow"),
            Need("ls /usr/lib/xen*/bin /usr/libexec/xen*/bin 2>/dev/null", "qemu-system-i386",
                 "an HVM domain needs QEMU in dom0")),
}  # fmt: skip


@dataclass(frozen=True)
class Image:
    """A test kernel that runs as a domain.

    Attributes:
        name: of its case.
        kind: `pv`, `pvh` or `hvm`.
        kernel: the file.
        conf: the text for `xl`, with the kernel's place in dom0.
    """

    name: str
    kind: str
    kernel: Path
    conf: str


def images_in(folder: Path) -> list[Image]:
    """Return the test kernels of a folder and those below, by their `.cfg`.

    The kernel that a `.cfg` names is looked for beside it, wherever XTF was to be installed.

    Raises:
        Mistakes: none is there, or a kernel is missing: all at once.
    """
    wrong: list[tuple[str, str]] = []
    found: list[Image] = []
    for path in sorted(folder.rglob("*.cfg")):
        text = path.read_text(errors="replace")
        value = re.search(r"""^\s*kernel\s*=\s*["']([^"'\n]+)["']""", text, re.MULTILINE)
        kernel = path.parent / Path(value[1]).name if value else None
        if kernel is None or not kernel.is_file():
            what = f"no kernel {kernel.name} beside it" if kernel else "it names no kernel"
            wrong.append((f"--guest-images: {path}: {what}", "give XTF's images with their .cfg"))
        elif any(image.name == path.stem for image in found):
            wrong.append((f"--guest-images: {path}: a second {path.stem}", "rename one"))
        else:
            found.append(_image(path.stem, kernel, text))
    if not found and not wrong:
        wrong.append((f"--guest-images {folder}: no .cfg in it", "name a folder such as XTF's"))
    if wrong:
        raise Mistakes(wrong)
    return found


def _image(name: str, kernel: Path, text: str) -> Image:
    """Point the text for `xl` to the kernel in dom0, and the domain to its case's name."""
    place = f"{FOLDER}/{name}.kernel"
    text = re.sub(r"(?m)^\s*(kernel|name)\s*=.*\n?", "", text)
    kind = re.search(r"""(?m)^\s*(?:type|builder)\s*=\s*["'](\w+)["']""", text)
    kept = {"pv": "pv", "pvh": "pvh", "hvm": "hvm"}.get(kind[1] if kind else "pv", "pv")
    return Image(name, kept, kernel, f'name = "{name}"\nkernel = "{place}"\n{text}')


def pack(images: Sequence[Image], target: Path) -> None:
    """Write images and their files for `xl` as a tar that a machine sees as a CD."""
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for image in images:
            tar.add(image.kernel, f"{image.name}.kernel")
            conf = target.with_name("conf")
            conf.write_text(image.conf)
            tar.add(conf, f"{image.name}.cfg")
        ready = target.with_name("ready")
        ready.touch()
        tar.add(ready, "READY")
    size = target.stat().st_size
    with target.open("ab") as stream:
        stream.write(bytes(-size % BLOCK))


def guest_cases(images: Sequence[Image]) -> list[Case]:
    """Return the cases of test kernels that run as domains; dom0 is looked at first."""
    first = Case("dom0", "Xen boots dom0 to a shell", MACHINE, (*DOM0, Run(_UNPACK)))
    cases = [first]
    for image in images:
        steps: tuple[Step, ...] = (*_NEEDS[image.kind], Trial(f"{FOLDER}/{image.name}.cfg"))
        cases.append(Case(image.name, f"test kernel, {image.kind}", MACHINE, steps))
    return cases


def guests_trip(disc: Disc, images: Sequence[Image], cases: Sequence[Case], scratch: Path) -> Trip:
    """Return the trip that runs test kernels as domains, after other cases of its machine.

    Args:
        disc: what is booted; its second CD has the images.
        images: the test kernels.
        cases: others that want this machine.
        scratch: a folder for the archive, which must live as long as the trip.
    """
    archive = scratch / ARCHIVE
    pack(images, archive)
    own = guest_cases(images)
    others = [case for case in cases if case.name != own[0].name]
    return trip(MACHINES[MACHINE], [own[0], *others, *own[1:]], disc, (Drive(archive),))


# --- in dom0's place ------------------------------------------------------------------------------


def module_trip(kernel: Path, disc: Disc) -> Trip:
    """Return the trip that boots a test kernel in dom0's place.

    Args:
        kernel: for its name.
        disc: of `test_kernel.build`.
    """
    case = Case(kernel.name, "test kernel in dom0's place", f"dom0-{kernel.name}", ())

    def go(settings: Settings, watcher: Watcher, hold: Hold) -> Iterator[Verdict]:
        begun = time.monotonic()
        hardware = replace(MACHINES[MACHINE], name=case.machine)
        machine = machine_for(hardware, disc, settings)
        with opened(hardware, machine, disc, settings, watcher, hold) as visit:
            try:
                _listen(visit)
            except BuildError as error:
                yield judge(case, error, time.monotonic() - begun, visit.said(), visit.at)
            else:
                yield Verdict(case.name, case.machine, "passed", time.monotonic() - begun)

    return Trip(case.machine, (case.name,), go)


def _listen(visit: Visit) -> None:
    """Wait for the result of a test kernel that GRUB starts by itself.

    Raises:
        FailureSaidError, NotPossibleError, NoVerdictError: as `steps.result_of`, or there is none.
    """
    console = visit.console
    console.expect([r"GNU GRUB +version", FIRST_WORDS], 180, fatal=(GRUB_ERROR, NO_DISC))
    visit.told("GRUB")
    console.expect(FIRST_WORDS, 60, fatal=(GRUB_ERROR, NO_DISC))
    visit.told("Xen")
    ended = r"Hardware Dom0 (?:halted|shutdown)[^\r\n]*"
    seen = console.expect([RESULT, ended], 120, fatal=(r"GNU GRUB +version",))
    if seen.index == 1:
        raise ConsoleError("ended", "it ended without a result", console.transcript.last())
    result_of(seen.text.split()[-1])
