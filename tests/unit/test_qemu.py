"""Machines as command lines."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from democd.errors import InputError
from democd.host.devices import ATTACHMENTS, NICS
from democd.host.qemu import Drive, Machine, Nic, argv, pick_accelerator

FOLDER = Path("/run/machine")
DISC = Path("disc.iso")


def words(machine: Machine) -> str:
    return shlex.join(argv(machine, FOLDER))


def test_a_disc_is_a_cd_and_is_booted_first() -> None:
    line = words(Machine((Drive(DISC), Drive(Path("data.img"), "virtio"))))
    assert "media=cdrom,readonly=on,file=disc.iso" in line
    assert "ide-cd,id=medium0,drive=drive0,bootindex=0" in line
    assert "virtio-blk-pci,id=medium1,drive=drive1,bootindex=1" in line


def test_what_is_written_to_a_stick_is_thrown_away() -> None:
    line = words(Machine((Drive(DISC, "usb"),)))
    assert "qemu-xhci,id=qemu-xhci" in line
    assert "usb-storage,removable=on,bus=qemu-xhci.0" in line
    assert "snapshot=on,file=disc.iso" in line


def test_a_card_that_a_network_starts_from_keeps_its_rom_and_comes_behind_the_drives() -> None:
    line = words(Machine((Drive(DISC),), nics=(Nic(tftp=Path("/srv/a,b"), bootfile="bios.0"),)))
    assert "net=10.0.2.0/24,tftp=/srv/a,,b,bootfile=bios.0" in line
    assert "bootindex=1" in line
    assert "romfile" not in line


def test_a_machine_without_a_stick_has_no_usb() -> None:
    assert "xhci" not in words(Machine((Drive(DISC),)))


def test_a_cd_behind_a_scsi_controller() -> None:
    line = words(Machine((Drive(DISC, "mptsas-cd"), Drive(DISC, "mptsas"))))
    assert line.count("-device mptsas1068,id=mptsas1068") == 1
    assert "media=cdrom,readonly=on,file=disc.iso" in line
    assert "scsi-cd,bus=mptsas1068.0,wwn=0x5525400000000000,id=medium0" in line
    assert "scsi-hd,bus=mptsas1068.0,wwn=0x5525400000000001,id=medium1" in line


def test_a_disk_has_the_name_of_its_controller_and_a_cd_more() -> None:
    assert all(
        at.cd == (name == "cdrom" or name.endswith("-cd")) for name, at in ATTACHMENTS.items()
    )


def test_what_no_machine_has_is_refused() -> None:
    with pytest.raises(InputError, match="no CD-ROM drive for nvme"):
        argv(Machine((Drive(DISC, "nvme-cd"),)), FOLDER)
    with pytest.raises(InputError, match="no drive can be attached so") as caught:
        argv(Machine((Drive(DISC, "floppy"),)), FOLDER)
    assert "megasas-gen2" in caught.value.hint
    with pytest.raises(InputError, match="no such network card"):
        argv(Machine((Drive(DISC),), nics=(Nic("ne2000"),)), FOLDER)


def test_every_card_has_a_network_of_its_own() -> None:
    line = words(Machine((Drive(DISC),), nics=tuple(map(Nic, NICS))))
    for number, model in enumerate(NICS):
        assert f"-netdev user,id=net{number},net=10.0.{2 + number}.0/24 " in line
        assert f"-device {model},netdev=net{number},mac=52:54:00:c0:ff:{0xEE + number:02x}," in line


def test_uefi_has_variables_of_its_own() -> None:
    line = words(Machine((Drive(DISC),), firmware="uefi"))
    assert "readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd" in line
    assert "if=pflash,unit=1,format=raw,file=/run/machine/vars.fd" in line
    assert "OVMF" not in words(Machine((Drive(DISC),)))


def test_software_emulation_takes_the_processor_that_works() -> None:
    assert "-accel tcg -cpu qemu64,+svm -smp 1" in words(Machine((Drive(DISC),)))
    assert "-accel kvm -cpu host" in words(Machine((Drive(DISC),), accel="kvm"))
    assert "-cpu phenom" in words(Machine((Drive(DISC),), cpu="phenom"))


def test_commas_in_file_names_reach_qemu() -> None:
    assert "file=a,,b.iso" in words(Machine((Drive(Path("a,b.iso")),)))


def test_ports_are_forwarded_from_this_host_only() -> None:
    line = words(Machine((Drive(DISC),), nics=(Nic("virtio-net-pci", forward=(22,)),)))
    assert "hostfwd=tcp:127.0.0.1:0-:22" in line
    assert "virtio-net-pci,netdev=net0,mac=52:54:00:" in line
    assert "netdev" not in words(Machine((Drive(DISC),), nics=()))


@pytest.mark.parametrize("kind", ["socket", "stdio", "none"])
def test_every_serial_port_can_be_logged(kind: str) -> None:
    machine = Machine((Drive(DISC),), serial=kind, log=Path("all.log"))  # type: ignore[arg-type]
    assert "logfile=all.log" in words(machine)


AMD = "processor : 0\nflags\t\t: fpu svm nx\n"


@pytest.mark.parametrize(
    ("asked", "cpuinfo", "opens", "taken"),
    [
        ("", AMD, True, "kvm"),
        ("", AMD.replace("svm", "vmx"), True, "kvm"),
        ("", AMD, False, "tcg"),
        ("", AMD.replace("svm", "svm_lock"), True, "tcg"),
        ("", "bugs : svm\n", True, "tcg"),
        ("tcg", AMD, True, "tcg"),
        ("kvm", "", False, "kvm"),
    ],
)
def test_kvm_only_where_it_works(asked: str, cpuinfo: str, opens: bool, taken: str) -> None:
    assert pick_accelerator(asked, cpuinfo, opens) == taken
