"""What this machine is like now: read from Xen, xenstore, the kernel and the disc.

The functions named `read_…` are pure: they take what a program wrote. `gather` asks the programs.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from xendemo import run
from xendemo.errors import Failure
from xendemo.files import content

VIFS = "/local/domain/0/backend/vif"
HYPERVISOR = "/sys/hypervisor"
DISC = "/run/democd/disc"  # written by the initrd's init: `device=/dev/sr0 role=dom0`
DOM0_UUID = "00000000-0000-0000-0000-000000000000"
DESCRIPTOR = 32768  # where ISO 9660 begins (ECMA-119, 6.2.1): its first volume descriptor
SECTOR = 2048
CDROM = "/cdrom/"
MOUNTS = "/proc/self/mounts"
LINE = re.compile(r"(\S.*?)\s+(\d+)\s+(\d+)\s+(\d+)\s+([a-z-]{6})\s+[0-9.]+")
VIF_IP = re.compile(VIFS + r'/(\d+)/\d+/ip = "([^"]*)"')


@dataclass(frozen=True)
class Domain:
    """A line of `xl list`: memory in MiB, state as six letters or dashes."""

    id: int
    name: str
    memory: int
    vcpus: int
    state: str


@dataclass(frozen=True)
class Host:
    """What `xl info` tells of the machine; memory in MiB."""

    free: int
    total: int
    cpus: int
    virt_caps: frozenset[str]


@dataclass(frozen=True)
class Medium:
    """Where the disc is read from, and what is wrong with it, or ""."""

    device: str
    trouble: str = ""


@dataclass(frozen=True)
class Facts:
    """All that a plan for new domains depends on, besides settings and request.

    Args:
        host: the machine.
        domains: those that there are, domain 0 among them.
        vifs: the addresses of each domain's id.
        own: domain 0's addresses and their cards.
        available: MiB that programs of domain 0 could still have.
        room: MiB that the new domains' kernel needs to start; 0 if nobody knows.
        medium: of the disc.
        unreadable: files that new domains need, and why they cannot be read.
        hosts: what host names stand for.
        passwords: sshd here takes passwords from the network.
    """

    host: Host
    domains: tuple[Domain, ...]
    vifs: Mapping[int, tuple[IPv4Address, ...]]
    own: tuple[tuple[str, IPv4Interface], ...]
    available: int
    room: int
    medium: Medium
    unreadable: Mapping[str, str]
    hosts: Mapping[str, IPv4Address | None]
    passwords: bool


def require_dom0() -> None:
    """Make sure that we may talk to Xen.

    Raises:
        Failure: this is no domain 0, or we are not root.
    """
    try:
        with open(f"{HYPERVISOR}/type", encoding="ascii") as kind:
            xen = kind.read().strip() == "xen"
        with open(f"{HYPERVISOR}/uuid", encoding="ascii") as uuid:
            domain0 = uuid.read().strip() == DOM0_UUID
    except OSError:
        xen = domain0 = False
    if not xen:
        raise Failure("Xen is not running on this machine", "choose an entry with Xen at boot")
    if not domain0:
        raise Failure("this is not domain 0", "only domain 0 starts and controls other domains")
    if os.geteuid():
        raise Failure("only root may do this", "become root first: su -")


def gather(files: Sequence[str], names: Sequence[str]) -> Facts:
    """Ask for everything.

    Args:
        files: that new domains need; their kernel first.
        names: host names to look up.

    Raises:
        Failure: Xen or xenstore does not answer.
    """
    require_dom0()
    medium = look_at_medium()
    return Facts(
        host=read_info(run.check("xl", "info")),
        domains=domains(),
        vifs=vifs(),
        own=read_addresses(run.check("ip", "-j", "-4", "address")),
        available=read_available(content("/proc/meminfo")),
        room=read_room(_header(files[0])) if files else 0,
        medium=medium,
        unreadable={path: why for path in files if (why := _unreadable(path, medium))},
        hosts={name: _look_up(name) for name in names},
        passwords="ssh=password" in content("/proc/cmdline").split(),
    )


def domains() -> tuple[Domain, ...]:
    """Return the domains that there are."""
    return read_list(run.check("xl", "list"))


def vifs() -> dict[int, tuple[IPv4Address, ...]]:
    """Return the addresses that xenstore has for each domain's id."""
    # It fails if there has not been a vif yet; if xenstore itself did not answer, xl has told so.
    return read_vifs(run.run("xenstore-ls", "-f", VIFS).out)


def read_info(text: str) -> Host:
    """Read the output of `xl info`."""
    values = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        values[name.strip()] = value.strip()
    return Host(
        int(values["free_memory"]), int(values["total_memory"]), int(values["nr_cpus"]),
        frozenset(values["virt_caps"].split()),
    )  # fmt: skip


def read_list(text: str) -> tuple[Domain, ...]:
    """Read the output of `xl list`; names may hold blanks."""
    matches = [LINE.fullmatch(line.strip()) for line in text.splitlines()[1:]]
    return tuple(
        Domain(int(match[2]), match[1], int(match[3]), int(match[4]), match[5])
        for match in matches
        if match
    )


def read_vifs(text: str) -> dict[int, tuple[IPv4Address, ...]]:
    """Read the output of `xenstore-ls -f` on the backends of all vifs."""
    found: dict[int, tuple[IPv4Address, ...]] = {}
    for number, words in VIF_IP.findall(text):
        known = [IPv4Address(word) for word in words.split() if _is_address(word)]
        found[int(number)] = found.get(int(number), ()) + tuple(known)
    return found


def read_addresses(text: str) -> tuple[tuple[str, IPv4Interface], ...]:
    """Read the output of `ip -j address`."""
    import json

    return tuple(
        (card["ifname"], IPv4Interface(f"{item['local']}/{item['prefixlen']}"))
        for card in json.loads(text)
        for item in card.get("addr_info", [])
        if item["family"] == "inet"
    )


def read_available(text: str) -> int:
    """Return MemAvailable of /proc/meminfo in MiB."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) // 1024 if match else 0


def read_room(header: bytes) -> int:
    """Return the MiB that a kernel needs to start, of the first KiB of its bzImage; 0 if none.

    The boot protocol's pref_address (at 0x258) and init_size (0x260), since 2.10. A PV domain is
    built with all memory from address 0 to the end of its kernel.
    """
    if (
        len(header) < 0x264
        or header[0x202:0x206] != b"HdrS"
        or struct.unpack_from("<H", header, 0x206)[0] < 0x20A
    ):
        return 0
    address, size = struct.unpack_from("<QI", header, 0x258)
    return int(address + size + (1 << 20) - 1) >> 20


def read_disc(text: str) -> str:
    """Return the disc's device as the initrd has written it down, or ""."""
    match = re.search(r"(?:^|\s)device=(\S+)", text)
    return match[1] if match else ""


def read_mounted(text: str) -> str:
    """Return what /proc/mounts has mounted at /cdrom, or "": there an installed system has it."""
    found = ""
    for line in text.splitlines():
        source, folder, *_ = line.split()
        if folder == CDROM.rstrip("/"):
            found = source  # the last one covers the others
    return found


def look_at_medium() -> Medium:
    """Say where the disc is, and read a sector of it to see whether it is still there."""
    device = read_disc(content(DISC)) or read_mounted(content(MOUNTS))
    if not device:
        return Medium("", "nothing is mounted at /cdrom")
    try:
        return Medium(device, "" if read_descriptor(device)[1:6] == b"CD001" else "holds no disc")
    except OSError as error:
        return Medium(device, f"cannot be read: {os.strerror(error.errno or 0)}")


def read_descriptor(device: str) -> bytes:
    """Return the first volume descriptor of a disc, from the medium itself.

    O_DIRECT passes by the page cache, which remembers a disc that has been taken out. It wants a
    buffer that begins with a page, such as an anonymous mapping.
    """
    import mmap

    file = os.open(device, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, SECTOR) as buffer:
            size = os.preadv(file, [buffer], DESCRIPTOR)
            return buffer[:size]
    finally:
        os.close(file)


def _unreadable(path: str, medium: Medium) -> str:
    if medium.trouble and path.startswith(CDROM):
        return f"the disc in {medium.device} {medium.trouble}"
    try:
        with open(path, "rb") as file:
            return "" if file.read(1) else "is empty"
    except OSError as error:
        return os.strerror(error.errno or 0)


def _header(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1024)
    except OSError:
        return b""  # `unreadable` tells


def _look_up(name: str) -> IPv4Address | None:
    import socket

    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return None
    return IPv4Address(str(found[0][4][0]))


def _is_address(word: str) -> bool:
    try:
        IPv4Address(word)
    except ValueError:
        return False
    return True
