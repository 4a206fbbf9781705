"""The boots, and what is checked on each: as few boots as cover all ways and all promises."""

from __future__ import annotations

from democd.host.devices import NICS
from democd.host.qemu import Drive
from democd.smoke.menu import KERNEL_LINE, Edit
from tests.boot import checks as c
from tests.boot import guest_ends as e
from tests.boot import guest_network as n
from tests.boot import guests as g
from tests.boot import hardware as h
from tests.boot import netbooted as b
from tests.boot import remaking as r
from tests.boot.fleet import Case, disc_at
from tests.boot.media import Media

STATIC = "  set ip=10.0.2.77::10.0.2.2:255.255.255.0::eth0:off"
XEN = (c.dom0_runs, c.xen_knows_all_its_options, c.no_failed_units)


def _damaged(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.damaged()),)


def _file_on_a_disk(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.starter()), Drive(media.keeper(), "nvme"))


def _cd_and_disk(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.iso), Drive(media.talking_disk(), "ide"))


def _cd_and_stick(media: Media) -> tuple[Drive, ...]:
    return (Drive(media.iso), Drive(media.stick(), "usb"))


# First those that need no processor to themselves, since a build test may be at work beside them;
# then the longest.
CASES = (
    Case(
        "findiso-ssh",
        (
            c.comes_up,
            *XEN,
            c.booted_from_a_file,
            c.a_damage_since_the_boot_is_found,
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
        drives=disc_at("usb-ehci"),
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
            c.the_installer_sees_what_lies_on_a_disk,
        ),
        drives=disc_at("usb"),
        firmware="uefi",
        chipset="q35",
        entry="xen",
    ),
    Case(
        "bios-cd-checkmedia",
        (
            c.comes_up,
            c.check_finds_the_disc_whole,
            c.the_installer_need_not_check_it_again,
            *XEN,
            h.every_controller_shows_its_drives,
            h.every_card_gets_an_address,
        ),
        drives=h.all_drives,
        entry="checkmedia",
        cards=NICS,
    ),
    Case(
        "uefi-cd-graphics",
        (c.comes_up, *XEN, c.linux_leaves_the_screen_alone, c.screen_is_what_linux_draws_on),
        drives=disc_at("virtio-scsi-cd"),
        firmware="uefi",
        entry="graphics",
    ),
    Case(
        "netboot-bios",
        (
            c.comes_up,
            *XEN,
            b.every_layer_came_over_the_network_and_is_right,
            b.a_file_of_each_layer_is_in_the_root,
            b.disc_is_whole_in_memory,
            c.ip_option_sets_the_address,
        ),
        netboot=True,
        memory=700,
        entry="xen-ip",
        edits=(Edit(r"^\s*set ip=", replace=STATIC),),
    ),
    Case(
        "netboot-linux",
        (
            c.comes_up,
            c.there_is_no_xen,
            c.nothing_of_xen_runs,
            c.no_failed_units,
            b.every_layer_came_over_the_network_and_is_right,
            c.dhcp_gives_an_address,
        ),
        netboot=True,
        firmware="uefi",
        memory=700,
        entry="linux",
    ),
    Case(
        "netboot-uefi",
        (
            b.wrong_layer_is_named_and_not_booted,
            b.right_layer_is_fetched_then_and_it_boots,
            c.dom0_runs,
            b.every_layer_came_over_the_network_and_is_right,
            b.disc_is_whole_in_memory,
            c.dhcp_gives_an_address,
        ),
        netboot=True,
        wrong="common",
        firmware="uefi",
        memory=700,
        entry="xen",
        cards=("virtio-net-pci",),
        user="",
    ),
    Case(
        "guests",
        (
            c.comes_up,
            g.plan_is_printed_and_nothing_started,
            g.wrong_input_starts_nothing,
            g.two_guests_start_with_one_command,
            g.console_gives_a_login,
            g.guest_is_a_small_live_system,
            n.ssh_from_dom0_takes_the_password,
            n.guests_reach_dom0_and_each_other,
            n.a_guest_cannot_send_as_another,
            n.a_guest_receives_only_what_is_for_it,
            n.nothing_gets_out_without_nat,
            n.nat_reaches_the_world,
            n.guests_have_a_resolver,
            n.port_2201_leads_to_domain_1,
            e.shutdown_and_destroy_leave_nothing,
            n.an_address_of_the_outside_is_reached_there,
            e.medium_taken_out_is_told,
        ),
        memory=1200,
    ),
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
            g.a_guest_of_96_mb_runs_beside_dom0,
        ),
        memory=384,
    ),
    Case(
        "bios-cd-linux",
        (
            c.comes_up,
            c.user_is_user,
            c.there_is_no_xen,
            c.nothing_of_xen_runs,
            c.no_failed_units,
            c.dhcp_gives_an_address,
            c.ssh_answers,
            r.the_disc_makes_itself,
        ),
        drives=_cd_and_stick,
        chipset="q35",
        memory=1024,
        entry="linux",
        user="user",
    ),
    Case(
        "bios-cd-toram",
        (
            c.comes_up,
            *XEN,
            r.what_was_laid_over_is_in_dom0,
            c.disc_can_be_taken_out,
            r.the_copy_in_memory_is_whole_and_signed,
            r.guests_have_it_too,
        ),
        drives=disc_at("mptsas-cd"),
        memory=1200,
        entry="toram",
        disc="remade_iso",
    ),
    Case(
        "uefi-cd-ip",
        (
            c.comes_up,
            c.no_failed_units,
            c.ip_option_sets_the_address,
            n.nat_works_with_an_address_by_hand,
        ),
        firmware="uefi",
        entry="xen-ip",
        edits=(Edit(r"^\s*set ip=", replace=STATIC),),
    ),
    Case(
        "damaged-disc",
        (c.damaged_disc_is_named_and_not_booted, c.damaged_disc_is_booted_by_the_very_word),
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
