"""QEMU machines: what one is made of, and its command line.

All here is pure but `accelerator`, which looks at this host; `running.py` starts machines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from democd.host.devices import attachment, nic_model

OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
VARS = "vars.fd"
QMP = "qmp"
SERIAL = "serial"
WWN = 0x5525400000000000
"""World Wide Name of a machine's first drive: NAA 5 (SPC), and the OUI of QEMU's MAC addresses."""

Accelerator = Literal["kvm", "tcg"]

DEFAULT_MEMORY = 1000
"""MiB. Not 512, 768, 1024, 1280 or 2048: with those and a BIOS, QEMU 7.2's emulator takes 13-20 s,
not 1 s, for Xen to unpack dom0's kernel: it lands on pages that GRUB ran in."""


@dataclass(frozen=True)
class Drive:
    """A medium in the machine.

    Attributes:
        path: raw image; what the machine writes to it is thrown away.
        attachment: what it hangs on, and whether it is a disk or a CD: a name of
            `devices.ATTACHMENTS`.
    """

    path: Path
    attachment: str = "cdrom"


@dataclass(frozen=True)
class Nic:
    """A network card on a user network of QEMU's, which answers DHCP.

    The network is 10.0.2.0/24 for a machine's first card, 10.0.3.0/24 for its second, and so on.
    The gateway there is .2, the machine gets .15.

    Attributes:
        model: a name of `devices.NICS`.
        forward: TCP ports of the machine; each is reachable on a free port of 127.0.0.1, which
            `Running.port` tells.
        tftp: a folder that QEMU serves; the firmware then starts `bootfile` of it, if no drive
            comes first. The machine reaches servers on 127.0.0.1 as 10.0.2.2.
    """

    model: str = "e1000"
    forward: tuple[int, ...] = ()
    tftp: Path | None = None
    bootfile: str = ""


@dataclass(frozen=True)
class Machine:
    """A PC.

    Attributes:
        drives: the first is the one that the firmware boots.
        chipset: `pc` (i440FX, IDE) or `q35` (AHCI).
        memory: MiB.
        cpus: virtual processors; more than one emulated one take turns on one thread.
        nics: network cards.
        display: `none`, or QEMU's name of a window: `gtk`, `curses`.
        serial: `socket` in the machine's folder, `stdio` for a person (Ctrl-A X leaves), `none`.
        log: a file to which QEMU copies all that the serial port said.
        cpu: "" takes what is known to work with the accelerator.
    """

    drives: tuple[Drive, ...]
    firmware: Literal["bios", "uefi"] = "bios"
    chipset: Literal["pc", "q35"] = "pc"
    memory: int = DEFAULT_MEMORY
    cpus: int = 1
    nics: tuple[Nic, ...] = (Nic(),)
    display: str = "none"
    serial: Literal["socket", "stdio", "none"] = "socket"
    log: Path | None = None
    accel: Accelerator = "tcg"
    cpu: str = ""


def accelerator(asked: str = "") -> Accelerator:
    """Return the accelerator to use on this host; `asked` (kvm or tcg) overrules."""
    cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
    return pick_accelerator(asked, cpuinfo, _opens(Path("/dev/kvm")))


def pick_accelerator(asked: str, cpuinfo: str, kvm_opens: bool) -> Accelerator:
    """Decide between KVM and software emulation.

    /dev/kvm can open while guests hang (nested hosts that hide the flag), so the processor must
    name its virtualisation as well.
    """
    if asked == "kvm" or asked == "tcg":
        return asked  # type: ignore[return-value]
    capable = re.search(r"^flags\s*:.*\b(vmx|svm)\b", cpuinfo, re.MULTILINE)
    return "kvm" if capable and kvm_opens else "tcg"


def _opens(device: Path) -> bool:
    try:
        with device.open("r+b", buffering=0):
            return True
    except OSError:
        return False


def argv(machine: Machine, folder: Path) -> list[str]:
    """Return QEMU's command line.

    Args:
        machine: what to run.
        folder: holds the machine's sockets, and its UEFI variables in `vars.fd`.

    Raises:
        InputError: a drive's attachment or a card's model that there is not.
    """
    # qemu64 knows no AMD-V unless told; `max` and EPYC crash dom0 under TCG. With more than one
    # virtual CPU on threads of their own TCG races with the kernel patching itself.
    turns = ",thread=single" if machine.accel == "tcg" and machine.cpus > 1 else ""
    cpu = machine.cpu or ("host" if machine.accel == "kvm" else "qemu64,+svm")
    line = [
        "qemu-system-x86_64",
        "-nodefaults", "-no-user-config",
        "-name", "democd",
        "-machine", machine.chipset,
        "-accel", f"{machine.accel}{turns}",
        "-cpu", cpu,
        "-smp", str(machine.cpus),
        "-m", str(machine.memory),
        "-rtc", "base=utc",
        "-vga", "std",
        "-display", machine.display,
        "-qmp", f"unix:{_quoted(folder / QMP)},server=on,wait=off",
    ]  # fmt: skip
    if machine.firmware == "uefi":
        line += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}"]
        line += ["-drive", f"if=pflash,unit=1,format=raw,file={_quoted(folder / VARS)}"]
    line += _drives(machine.drives)
    for number, nic in enumerate(machine.nics):
        line += _nic(number, nic, len(machine.drives))
    return line + _serial(machine, folder)


def _quoted(path: Path) -> str:
    """Return a path for QEMU's option syntax, where a comma is written twice."""
    return str(path).replace(",", ",,")


def _drives(drives: Sequence[Drive]) -> list[str]:
    """Return the drives, and before each what it hangs on, where no earlier one hangs there too."""
    controllers: list[str] = []
    line: list[str] = []
    for number, drive in enumerate(drives):
        at = attachment(drive.attachment)
        if at.controller and at.controller not in controllers:
            controllers.append(at.controller)
            line += ["-device", f"{at.controller},id={at.controller}"]
        name = f"drive{number}"
        # A snapshot lets the machine write as to a real stick, without touching the file.
        mode = "media=cdrom,readonly=on" if at.cd else "snapshot=on"
        backend = f"if=none,id={name},format=raw,{mode},file={_quoted(drive.path)}"
        bus = f",bus={at.controller}.0" if at.controller else ""
        # Linux's mptsas takes no drive for one whose World Wide Name QEMU leaves at 0.
        name_on_bus = f",wwn={WWN + number:#x}" if at.drive.startswith("scsi-") else ""
        front = f"{at.drive}{bus}{name_on_bus},id=medium{number},drive={name},bootindex={number}"
        line += ["-drive", backend, "-device", front]
    return line


def _nic(number: int, nic: Nic, drives: int) -> list[str]:
    name = f"net{number}"
    # Port 0: the kernel chooses a free one, without a race between two machines.
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in nic.forward)
    card = f"netdev={name},mac={mac(number)}"
    served = ""
    if nic.tftp:
        card += f",bootindex={drives + number}"
        served = f",tftp={_quoted(nic.tftp)},bootfile={nic.bootfile}"
    else:
        # No card's ROM: it would boot from the network, and takes the firmware's time and memory.
        card += ",romfile="
    return [
        "-netdev", f"user,id={name},net=10.0.{2 + number}.0/24{served}{forwards}",
        "-device", f"{nic_model(nic.model)},{card}",
    ]  # fmt: skip


def mac(number: int) -> str:
    """Return the MAC address of a machine's card, counted from 0."""
    return f"52:54:00:c0:ff:{0xEE + number:02x}"


def _serial(machine: Machine, folder: Path) -> list[str]:
    log = f",logfile={_quoted(machine.log)}" if machine.log else ""
    backend = {
        "socket": f"socket,id=com1,path={_quoted(folder / SERIAL)},server=on,wait=off{log}",
        "stdio": f"stdio,id=com1,mux=on,signal=off{log}",
        "none": f"null,id=com1{log}",
    }[machine.serial]
    line = ["-chardev", backend, "-serial", "chardev:com1"]
    if machine.serial == "stdio":
        line += ["-mon", "chardev=com1,mode=readline"]
    return line
