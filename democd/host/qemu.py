"""QEMU machines: what one is made of, and its command line.

All here is pure but `accelerator`, which looks at this host; `running.py` starts machines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
VARS = "vars.fd"
QMP = "qmp"
SERIAL = "serial"
MAC = "52:54:00:c0:ff:ee"

Attachment = Literal["cdrom", "usb", "virtio", "ide", "nvme"]
Accelerator = Literal["kvm", "tcg"]

DEFAULT_MEMORY = 1000
"""MiB. Not 512, 768, 1024, 1280 or 2048: with those and a BIOS, QEMU 7.2's emulator takes 13-20 s,
not 1 s, for Xen to unpack dom0's kernel: it lands on pages that GRUB ran in."""


@dataclass(frozen=True)
class Drive:
    """A medium in the machine.

    Attributes:
        path: raw image; what the machine writes to it is thrown away.
        attachment: `cdrom` and `ide` on the chipset's own controller (IDE PIIX in a `pc`, AHCI in
            a `q35`), `usb` a USB storage stick on an xHCI, `virtio`, `nvme`.
    """

    path: Path
    attachment: Attachment = "cdrom"


@dataclass(frozen=True)
class Nic:
    """A network card on QEMU's user network (10.0.2.0/24, DHCP, gateway 10.0.2.2).

    Attributes:
        forward: TCP ports of the machine; each is reachable on a free port of 127.0.0.1, which
            `Running.port` tells.
    """

    model: str = "e1000"
    mac: str = MAC
    forward: tuple[int, ...] = ()


@dataclass(frozen=True)
class Machine:
    """A PC.

    Attributes:
        drives: the first is the one that the firmware boots.
        chipset: `pc` (i440FX, IDE) or `q35` (AHCI).
        memory: MiB.
        cpus: virtual processors; more than one emulated one take turns on one thread.
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
    nic: Nic | None = field(default_factory=Nic)
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
    if any(drive.attachment == "usb" for drive in machine.drives):
        line += ["-device", "qemu-xhci,id=usb"]
    for number, drive in enumerate(machine.drives):
        line += _drive(number, drive)
    if machine.nic:
        line += _nic(machine.nic)
    return line + _serial(machine, folder)


def _quoted(path: Path) -> str:
    """Return a path for QEMU's option syntax, where a comma is written twice."""
    return str(path).replace(",", ",,")


def _drive(number: int, drive: Drive) -> list[str]:
    name = f"drive{number}"
    # A snapshot lets the machine write as to a real stick, without touching the file.
    mode = "readonly=on" if drive.attachment == "cdrom" else "snapshot=on"
    backend = f"if=none,id={name},format=raw,{mode},file={_quoted(drive.path)}"
    device = {
        "cdrom": "ide-cd",
        "ide": "ide-hd",
        "usb": "usb-storage,bus=usb.0,removable=on",
        "virtio": "virtio-blk-pci",
        "nvme": f"nvme,serial={name}",
    }[drive.attachment]
    front = f"{device},id=medium{number},drive={name},bootindex={number}"
    return ["-drive", backend, "-device", front]


def _nic(nic: Nic) -> list[str]:
    # Port 0: the kernel chooses a free one, without a race between two machines.
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in nic.forward)
    return [
        "-netdev", f"user,id=net0{forwards}",
        "-device", f"{nic.model},netdev=net0,mac={nic.mac}",
    ]  # fmt: skip


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
