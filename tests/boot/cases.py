"""The boots, and what is checked on each: as few boots as cover all ways and all promises."""

from __future__ import annotations

from democd.host.qemu import Drive
from democd.smoke.menu import KERNEL_LINE, Edit
from tests.boot import checks as c
from tests.boot.fleet import Case, usb
from tests.boot.media import Media

STATIC = "  set ip=10.0.2.77::10.0.2.2:255.255.255.0::eth0:off"
XEN = (c.dom0_runs, c.xen_knows_all_its_options, c.no_failed_units)


def _damaged(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.damaged()),)


def _file_on_a_disk(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.starter()), Drive(media.keeper(), "virtio"))


def _cd_and_disk(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.iso), Drive(media.talking_disk(), "ide"))


CASES = (
    Case(
        "bios-cd",
        (
            c.comes_up,
            c.motd_is_shown,
            *XEN,
            c.the_whole_machine_has_384_mb,
            c.xenstore_and_consoles_run,
            c.booted_from_cd,
            c.cd_is_mounted_read_only,
            c.dhcp_gives_an_address,
            c.link_local_network_is_there,
            c.secrets_are_made_at_boot,
            c.ssh_answers,
            c.ssh_takes_no_password_from_the_network,
            c.screen_is_what_linux_draws_on,
            c.root_is_writable,
        ),
        memory=384,
    ),
    Case(
        "uefi-cd-ip",
        (c.comes_up, c.user_is_user, c.no_failed_units, c.ip_option_sets_the_address),
        firmware="uefi",
        entry="xen-ip",
        edits=(Edit(r"^\s*set ip=", replace=STATIC),),
        user="user",
    ),
    Case(
        "findiso-ssh",
        (
            c.comes_up,
            *XEN,
            c.booted_from_a_file,
            c.cd_is_mounted_read_only,
            c.secrets_are_made_at_boot,
            c.ssh_answers,
            c.ssh_takes_the_password_when_told,
        ),
        drives=_file_on_a_disk,
        entry="xen",
        edits=(Edit(KERNEL_LINE, append="ssh=password"),),
    ),
    Case(
        "bios-usb-safe",
        (c.comes_up, *XEN, c.booted_from_stick, c.safe_mode_reaches_xen_and_linux),
        drives=usb,
        entry="xen-safe",
    ),
    Case(
        "uefi-usb",
        (
            c.comes_up,
            *XEN,
            c.screen_is_what_linux_draws_on,
            c.booted_from_stick,
            c.cd_is_mounted_read_only,
        ),
        drives=usb,
        firmware="uefi",
        chipset="q35",
        entry="xen",
    ),
    Case(
        "bios-cd-linux",
        (c.comes_up, c.there_is_no_xen, c.no_failed_units, c.dhcp_gives_an_address, c.ssh_answers),
        chipset="q35",
        entry="linux",
    ),
    Case(
        "bios-cd-toram",
        (c.comes_up, *XEN, c.disc_can_be_taken_out),
        memory=1200,
        entry="toram",
    ),
    Case(
        "bios-cd-checkmedia",
        (c.comes_up, c.check_finds_the_disc_whole, *XEN),
        entry="checkmedia",
    ),
    Case(
        "uefi-cd-graphics",
        (c.comes_up, *XEN, c.linux_leaves_the_screen_alone, c.screen_is_what_linux_draws_on),
        firmware="uefi",
        entry="graphics",
    ),
    Case(
        "damaged-disc",
        (c.damaged_disc_is_named_and_not_booted,),
        drives=_damaged,
        entry="checkmedia",
        user="",
    ),
    Case(
        "harddisk",
        (c.hard_disk_is_started,),
        drives=_cd_and_disk,
        memory=128,
        entry="harddisk",
        user="",
    ),
)
