"""The plan for new domains: pure; from settings, request and facts to all that is to be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from xendemo import addresses, memory, xlfile
from xendemo.conf import MEDIUM, PLACE, Settings, Template
from xendemo.facts import Facts
from xendemo.variables import Pairs, Request
from xendemo.words import count

GUESTS = "/etc/xen/guests"
PAGING = {"hap", "shadow"}
# Xen hands over this much of a PV kernel's command line, a zero byte among it
# (MAX_GUEST_CMDLINE in xen/include/public/xen.h).
COMMAND_LINE = 1024
# Where domain 0 must give memory: its balloon takes free pages at once, but those of the page cache
# so slowly that xl loses its patience. Files that were read from the disc can be read again.
MAKE_ROOM = ("sysctl", "-qw", "vm.drop_caches=1")


@dataclass(frozen=True)
class Plan:
    """A new domain, whole.

    `why` tells how its type came about; `from_dom0`, that domain 0 must give memory for it; `xl` is
    the text of its file; `steps` are the commands that start it once the file is there.
    """

    name: str
    kernel: str
    ramdisk: str
    memory: int
    vcpus: int
    type: str
    why: str
    addresses: tuple[IPv4Address, ...]
    linklocal: IPv4Address
    mac: str
    disks: tuple[str, ...]
    cmdline: str
    micro: bool
    from_dom0: bool
    xl: str

    @property
    def file(self) -> str:
        """The path of the file that xl reads."""
        return f"{GUESTS}/{self.name}.cfg"

    @property
    def steps(self) -> tuple[tuple[str, ...], ...]:
        """The commands that start the domain once its file is there."""
        create = ("xl", "create", self.file)
        return (MAKE_ROOM, create) if self.from_dom0 else (create,)


def files(request: Request) -> list[str]:
    """Return the files that the new domains need, their kernel first.

    Files whose names depend on the plan are not among them; without a kernel there is "" for it.
    """
    template = request.template
    paths = [template.kernel, template.ramdisk, *(_target(disk) for disk in template.disk)]
    own = {"name", "ip", MEDIUM}  # not settled yet
    known = [
        "" if own & set(PLACE.findall(path)) else _fill(path, request.values) for path in paths
    ]
    return [known[0], *(path for path in known[1:] if path.startswith("/"))]


def make(settings: Settings, request: Request, facts: Facts, mistakes: Pairs) -> list[Plan]:
    """Return the plan of each new domain; [] if there is a mistake, which is put to the others."""
    before = len(mistakes)
    names = _names(request, facts, mistakes)
    type_, why = _type(request.type, facts, mistakes)
    shares = addresses.share_out(request.ip, names, situation(settings, facts), mistakes)
    _look_at_files(request, facts, mistakes)
    _count_memory(settings, request, facts, type_, mistakes)
    if len(mistakes) > before or len(shares) < len(names):
        return []
    short = [memory.together(number, request.mem, request.vcpus, type_) > facts.host.free
             for number in range(1, len(names) + 1)]  # fmt: skip
    plans = [_plan(settings, request, facts, type_, why, *each)
             for each in zip(names, shares, short, strict=True)]  # fmt: skip
    for plan in plans:
        if len(plan.cmdline) >= COMMAND_LINE:
            mistakes.append((
                f"{plan.name}: a command line of {len(plan.cmdline)} characters; Xen hands over "
                f"{COMMAND_LINE - 1}", "write fewer words in extra=, or fewer addresses",
            ))  # fmt: skip
    return [] if len(mistakes) > before else plans


def situation(settings: Settings, facts: Facts) -> addresses.Situation:
    """Return who has which address."""
    names = {domain.id: domain.name for domain in facts.domains}
    taken = {
        address: names.get(number, f"domain {number}, which is ending")
        for number, known in facts.vifs.items()
        for address in known
    }
    return addresses.Situation(taken, facts.own, settings.ranges, facts.hosts)


def notes(plans: list[Plan], facts: Facts) -> Iterator[str]:
    """Return what a person may want to know, though nothing is wrong."""
    if plans and plans[0].vcpus > facts.host.cpus:
        yield (
            f"{plans[0].vcpus} virtual processors share "
            f"{count(facts.host.cpus, 'processor')} of this machine"
        )


def _plan(
    settings: Settings, request: Request, facts: Facts, type_: str, why: str, name: str,
    share: addresses.Share, from_dom0: bool,
) -> Plan:  # fmt: skip
    values = {
        **request.values, "name": name, "mem": str(request.mem), "vcpus": str(request.vcpus),
        "type": type_, "ip": str(share.ordinary[0]), MEDIUM: facts.medium.device,
    }  # fmt: skip
    template = _filled(request.template, values)
    cmdline = _command_line(template.cmdline, name, share, facts.passwords)
    mac = addresses.mac(share.linklocal)
    text = xlfile.text(
        {
            "name": name,
            "type": type_,
            "kernel": template.kernel,
            "ramdisk": template.ramdisk,
            "cmdline": cmdline,
            "memory": request.mem,
            "vcpus": request.vcpus,
            "vif": [xlfile.vif(mac, [*share.ordinary, share.linklocal])],
            "disk": list(template.disk),
            **settings.xl,
        }
    )
    return Plan(
        name, template.kernel, template.ramdisk, request.mem, request.vcpus, type_, why,
        share.ordinary, share.linklocal, mac, template.disk, cmdline, is_micro(cmdline), from_dom0,
        text,
    )  # fmt: skip


def is_micro(cmdline: str) -> bool:
    """Tell whether a command line makes a domain of kernel and initrd alone."""
    return "role=micro" in cmdline.split()


def _command_line(text: str, name: str, share: addresses.Share, passwords: bool) -> str:
    """Add what the domain must know of its network (the kernel's `ip=`: nfsroot.rst)."""
    first, *more = share.ordinary
    words = [
        *text.split(),
        f"ip={first}::{addresses.DOM0}:255.255.255.255:{name}:eth0:off:{addresses.DOM0}",
        *(f"ip={address}:::255.255.255.255::eth0:off" for address in more),
        f"LINKLOCAL={share.linklocal}",
    ]
    # What the person chose for domain 0 at the boot menu holds for the others as well.
    if passwords and not is_micro(text) and "ssh=password" not in words:
        words.append("ssh=password")
    return " ".join(words)


def _names(request: Request, facts: Facts, mistakes: Pairs) -> list[str]:
    taken = {domain.name for domain in facts.domains}
    if "#" in request.name:
        free = _numbered(request.name, taken)
        return [next(free) for _ in range(request.count)]
    if request.name in taken:
        other = next(_numbered(request.name.rstrip("0123456789") + "#", taken))
        mistakes.append((f"there is a domain {request.name} already",
                         f"take another name: -D name={other}"))  # fmt: skip
    return [request.name]


def _numbered(pattern: str, taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        name = pattern.replace("#", str(number))
        if name not in taken:
            yield name


def _type(wanted: str, facts: Facts, mistakes: Pairs) -> tuple[str, str]:
    """Return the type of the new domains and why it is so."""
    caps = facts.host.virt_caps
    missing = [] if "hvm" in caps else ["hvm"]
    missing += [] if PAGING & caps else ["hap"]
    lacks = f"`xl info` has no {' and no '.join(missing)} in virt_caps"
    if wanted == "pvh" and missing:
        mistakes.append((f"type=pvh is not possible on this machine: {lacks}",
                         "write type=pv or type=auto"))  # fmt: skip
    if wanted == "pv" and "pv" not in caps:
        mistakes.append(("type=pv is not possible on this machine: `xl info` has no pv in "
                         "virt_caps", "write type=pvh or type=auto"))  # fmt: skip
    if wanted != "auto":
        return wanted, "as asked for"
    if {"hvm", "hap"} <= caps:
        return "pvh", "auto: the processor has hvm and hap"
    return "pv", f"auto: {lacks}"


def _look_at_files(request: Request, facts: Facts, mistakes: Pairs) -> None:
    wants_medium = any(MEDIUM in PLACE.findall(text) for text in request.template.texts())
    lost = facts.medium.trouble and (
        wants_medium or any(path.startswith("/cdrom/") for path in files(request))
    )
    if lost:
        where = f"the disc in {facts.medium.device}" if facts.medium.device else "the disc:"
        mistakes.append((f"{where} {facts.medium.trouble}",
                         "put it back in; booted with `toram`, it is not needed"))  # fmt: skip
    for path, why in facts.unreadable.items():
        if not (lost and path.startswith("/cdrom/")):
            mistakes.append((f"{path}: {why}", "see kernel, ramdisk and disk in the settings"))


def _count_memory(
    settings: Settings, request: Request, facts: Facts, type_: str, mistakes: Pairs
) -> None:
    if 0 < request.mem < facts.room:
        mistakes.append((
            f"mem={request.mem} is too little: {_fill(request.template.kernel, request.values)} "
            f"needs {facts.room} MiB to start",
            f"write {facts.room} or more: -D mem={facts.room}",
        ))  # fmt: skip
        return
    own = memory.own(settings, request.count)
    if facts.available < own:
        mistakes.append((
            f"domain 0 itself is short of memory: {facts.available} MiB are available, and xl "
            f"needs {own} MiB", "end programs, delete files or end other domains",
        ))  # fmt: skip
        return
    one = (request.mem, request.vcpus, type_)
    free, give = facts.host.free, memory.from_dom0(settings, facts)
    need = memory.together(request.count, *one)
    if need <= free + give:
        return
    fit = 0
    while memory.together(fit + 1, *one) <= free + give:
        fit += 1
    each = f" for {request.count} domains of {request.mem} MiB" if request.count > 1 else ""
    less = f"--count {fit}, " if fit else ""
    mistakes.append((
        f"not enough memory: {need} MiB needed{each}; {free} MiB are free, and domain 0 can give "
        f"{give} MiB",
        f"take less (-D mem=MiB), {less}end other domains, or boot with a smaller dom0_mem=",
    ))  # fmt: skip


def _filled(template: Template, values: Mapping[str, str]) -> Template:
    return Template(
        _fill(template.kernel, values),
        _fill(template.ramdisk, values),
        _fill(template.cmdline, values),
        tuple(_fill(disk, values) for disk in template.disk),
    )


def _fill(text: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda match: values.get(match[1], match[0]), text)


def _target(disk: str) -> str:
    """Return the file or device of a disk's line (xl-disk-configuration(5)), or ""."""
    words = [word.strip() for word in disk.split(",")]
    named = [word.partition("=")[2] for word in words if word.startswith("target=")]
    return named[0] if named else words[0] if "=" not in words[0] else ""
