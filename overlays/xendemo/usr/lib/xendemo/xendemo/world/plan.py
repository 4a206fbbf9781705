"""The plan: which commands build what is wanted, and what is in the way. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from xendemo.world.facts import Facts
from xendemo.world.options import SOURCE, TARBALL, Options, Pairs

CONFIGURE = (
    "--disable-docs", "--disable-stubdom", "--disable-ocamltools", "--disable-golang",
    "--disable-xsmpolicy", "--disable-rombios", "--disable-pvshim", "--disable-qemu-traditional",
    "--with-system-qemu=/usr/bin/qemu-system-i386",
    "--with-system-seabios=/usr/share/seabios/bios-256k.bin",
    "--disable-werror",
)  # fmt: skip
"""What of Xen's tools is left out: what would fetch further sources from the network, or needs
programs that the disc lacks; QEMU and SeaBIOS are taken from where Debian puts them. And a compiler
younger than the source finds new things to warn of."""

MISC = "/usr/share/misc"  # Debian's config.sub and config.guess
SHARE = "/usr/share/xendemo"  # has the kernels' configurations
MB = 1_000_000
ROOM = {"source": 40 * MB, "xen": 60 * MB, "tools": 90 * MB, "linux": 1700 * MB,
        "xenU": 400 * MB, "xen0": 5000 * MB}  # fmt: skip
"""Bytes that each of these takes on a disk, amply."""

JOB = 200 * MB  # bytes of memory for each program that runs at a time


@dataclass(frozen=True)
class Step:
    """A command; `words` say what it does, in place of it."""

    words: str
    argv: tuple[str, ...]

    def command(self) -> str:
        """Return it as it is typed into a shell."""
        return shlex.join(self.argv)


def make(options: Options, facts: Facts) -> list[Step]:
    """Return the steps that build it all.

    What an earlier run has copied, unpacked or configured is left as it is, changes and all, and
    `make` builds only what is not up to date.
    """
    steps = []
    if "xen" in options.targets or "tools" in options.targets:
        steps += _copy(options, facts)
    if "xen" in options.targets:
        # A name has the version in it, so an older one would stay beside it.
        old = f"rm -f {shlex.quote(options.install)}/boot/xen*"
        steps.append(_script("removing the hypervisor of an earlier run", old))
        steps.append(Step("building Xen", _xen(options, facts, "dist-xen")))
    if "tools" in options.targets:
        if not facts.place.configured:
            steps += _configure(options, facts)
        steps.append(Step("building Xen's tools", _xen(options, facts, "dist-tools")))
    if options.kernels and not facts.place.linux:
        steps += _unpack(options, facts)
    if "xen0" in options.kernels:
        steps += _xen0(options, facts)
    if "xenU" in options.kernels:
        steps += _xenu(options, facts)
    return steps


def mistakes(options: Options, facts: Facts) -> Pairs:
    """Return all that is in the way, each with its remedy."""
    found: Pairs = []
    if ("xen" in options.targets or "tools" in options.targets) and not facts.version:
        found.append(_no_source(options))
    if options.kernels and not facts.place.linux and not facts.tarballs:
        found.append(_no_kernel(options))
    if "xen0" in options.kernels and not facts.config:
        found.append(("there is no configuration in /boot to start a xen0 kernel from",
                      "put the config-VERSION of a kernel there, or build xenU alone"))  # fmt: skip
    if facts.missing:
        found.append((f"there is no program {' and no '.join(facts.missing)}",
                      "the disc has them unless its recipe leaves out the list devel of "
                      "root.packages; on another Debian, install them"))  # fmt: skip
    if facts.place.trouble:
        found.append((facts.place.trouble, "name another folder: --dir DIR"))
    else:
        found += _room(options, facts)
    return found


def needed(options: Options, facts: Facts) -> int:
    """Return the bytes that will be written, amply; what an earlier run has left does not count."""
    parts = set(options.targets)
    if parts & {"xen", "tools"} and not facts.place.xen:
        parts.add("source")
    if options.kernels and not facts.place.linux:
        parts.add("linux")
    return sum(ROOM[part] for part in parts)


def jobs(options: Options, facts: Facts) -> int:
    """Return how many programs `make` shall run at a time."""
    return options.jobs or facts.processors


def say_size(size: int) -> str:
    """Return a size as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size // MB} MB"


def _copy(options: Options, facts: Facts) -> list[Step]:
    if facts.place.xen:
        return []
    copy = f"{options.folder}/xen"
    # Under another name first, so that what an interruption leaves is not taken for the whole.
    draft = f"{copy}.new"
    copying = ("cp", "-dR", "--preserve=mode,timestamps", f"{options.source}/.", draft)
    return [
        _script(f"copying {options.source} to {copy}",
                ("rm", "-rf", draft), copying, ("mv", draft, copy)),
    ]  # fmt: skip


def _xen(options: Options, facts: Facts, target: str) -> tuple[str, ...]:
    return ("make", "-C", f"{options.folder}/xen", f"-j{jobs(options, facts)}",
            f"DISTDIR={options.folder}", *options.variables, target)  # fmt: skip


def _configure(options: Options, facts: Facts) -> list[Step]:
    copy = f"{options.folder}/xen"
    steps = []
    if facts.bare:
        lacking = ("cp", f"{MISC}/config.sub", f"{MISC}/config.guess", copy)
        steps.append(_script("making ./configure", lacking, ("env", "-C", copy, "./autogen.sh")))
    words = ("env", "-C", copy, "./configure", *CONFIGURE, *options.configure)
    return [*steps, Step("configuring Xen's tools", words)]


def _unpack(options: Options, facts: Facts) -> list[Step]:
    tree, tarball = f"{options.folder}/linux", facts.tarballs[0]
    draft = f"{tree}.new"
    unpacking = ("tar", "-xf", tarball, "-C", draft, "--strip-components=1")
    return [
        _script(f"unpacking {tarball} to {tree}",
                ("rm", "-rf", draft), ("mkdir", "-p", draft), unpacking, ("mv", draft, tree)),
    ]  # fmt: skip


def _xen0(options: Options, facts: Facts) -> list[Step]:
    built = f"{options.folder}/xen0"
    linux = ("make", "-C", f"{options.folder}/linux", f"O={built}")
    modules = (f"INSTALL_MOD_PATH={options.install}", "INSTALL_MOD_STRIP=1", "modules_install")
    config = f"cat {shlex.quote(facts.config)} {SHARE}/xen0.config >{shlex.quote(built)}/.config"
    return [
        _script(f"configuring xen0 as {facts.config} says",
                ("mkdir", "-p", built), config, (*linux, "olddefconfig")),
        Step("building xen0, all drivers: this takes hours",
             (*linux, f"-j{jobs(options, facts)}", "bzImage", "modules")),
        Step("installing its modules", (*linux, *modules)),
        _image("xen0", options),
    ]  # fmt: skip


def _xenu(options: Options, facts: Facts) -> list[Step]:
    built = f"{options.folder}/xenU"
    linux = ("make", "-C", f"{options.folder}/linux", f"O={built}")
    return [
        _script("configuring xenU, virtual drivers only", ("mkdir", "-p", built),
                (*linux, f"KCONFIG_ALLCONFIG={SHARE}/xenU.config", "allnoconfig")),
        Step("building xenU", (*linux, f"-j{jobs(options, facts)}", "bzImage")),
        # It has no modules, but a list of what would be one.
        _image("xenU", options, "modules.builtin", "modules.builtin.modinfo"),
    ]  # fmt: skip


def _image(name: str, options: Options, *lists: str) -> Step:
    """Return the step that puts a kernel into install/boot, and lists of it to its modules."""
    built, install = shlex.quote(f"{options.folder}/{name}"), shlex.quote(options.install)
    lines = [
        f"cd {built}", "release=$(cat include/config/kernel.release)", f"mkdir -p {install}/boot",
        f'cp arch/x86/boot/bzImage {install}/boot/vmlinuz-"$release"',
    ]  # fmt: skip
    if lists:
        modules = f'{install}/lib/modules/"$release"'
        lines += [f"mkdir -p {modules}", f"cp {' '.join(lists)} {modules}"]
    return _script(f"putting {name} into {options.install}", *lines)


def _script(words: str, *lines: str | tuple[str, ...]) -> Step:
    """Return a step of several commands, each as words or as a shell has it."""
    texts = [line if isinstance(line, str) else shlex.join(line) for line in lines]
    return Step(words, ("sh", "-ec", "; ".join(texts)))


def _no_source(options: Options) -> tuple[str, str]:
    if options.source == SOURCE:
        return (f"there is no source of Xen on this disc, at {SOURCE}",
                "name a tree that lies elsewhere: --xen DIR; with the disc of sources at /mnt:\n"
                "dpkg-source -x /mnt/pool/xen/xen_*.dsc /root/xen")  # fmt: skip
    return (
        f"{options.source} is no source tree of Xen",
        "it has no xen/Makefile that names a version",
    )


def _no_kernel(options: Options) -> tuple[str, str]:
    if options.tarball:
        return f"{TARBALL}: there is no file {options.tarball}", "name a kernel's tarball"
    return (f"there is no tarball of a kernel (linux-VERSION.tar.xz) in {options.searched}",
            "name one: LINUX_SRC=FILE; or where to look: LINUX_SRC_PATH=DIR:DIR")  # fmt: skip


def _room(options: Options, facts: Facts) -> Pairs:
    need = needed(options, facts)
    found: Pairs = []
    fit = [f"{where} ({say_size(free)} free)" for where, free in facts.elsewhere if free >= need]
    elsewhere = (
        f"a folder on {' or '.join(fit)}: --dir DIR" if fit else
        "a folder on a disk: --dir DIR; for one that you can empty:\n"
        "mkfs.ext4 /dev/sdX && mount /dev/sdX /mnt, then --dir /mnt/world"
    )  # fmt: skip
    if facts.place.free < need:
        found.append((
            f"{options.folder} has room for {say_size(facts.place.free)}, {say_size(need)} are "
            "needed", f"name {elsewhere}",
        ))  # fmt: skip
    work = jobs(options, facts) * JOB + (need if facts.place.in_memory else 0)
    if facts.available < work:
        remedies = ["boot with more for domain 0: dom0_mem=max:2G in the line of Xen",
                    "or build fewer files at a time: -j1"]  # fmt: skip
        if facts.place.in_memory and not found:
            remedies.append(f"or name {elsewhere}")
        why = f", as {options.folder} lies in memory" if facts.place.in_memory else ""
        found.append((f"{say_size(facts.available)} of memory are left, {say_size(work)} are "
                      f"needed{why}", "\n".join(remedies)))  # fmt: skip
    return found
