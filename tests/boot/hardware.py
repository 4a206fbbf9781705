"""What is checked of a machine's hardware. Each function is a test of its own."""

from __future__ import annotations

import re
from collections import Counter

from democd.host.devices import ATTACHMENTS
from democd.host.qemu import Drive, mac
from tests.boot.fleet import Case, Check, Visit, disc_at
from tests.boot.matrix import CARDS, CONTROLLERS, Place
from tests.boot.media import DISK_SAYS, Media

ON_BOARD = ("ide", "cdrom")

# DEVICE: the drivers of a block device, and of all that it hangs on.
_DRIVERS = """p=$(readlink -f /sys/class/block/%s); while [ "$p" ]; do
[ ! -e $p/driver ] || basename $(readlink $p/driver); p=${p%%/*}; done"""

# Of each drive that says DISK_SAYS: its name, and the drivers as above.
_DRIVES = f"""cd /sys/class/block; for d in sd* sr* vd* nvme*; do
if head -c 512 /dev/$d 2>/dev/null | grep -q '{DISK_SAYS}'; then
echo $d $({_DRIVERS % "$d"}); fi; done"""

# For each card its MAC address, driver and IPv4 address.
_CARDS = """cd /sys/class/net; for card in */device; do card=${card%/device}
echo $(cat $card/address) $(basename $(readlink $card/device/driver)) \
$(ip -br -4 addr show $card | awk '{print $3}'); done"""


def disc_lies_at(place: Place) -> Check:
    """Return a check that the disc is mounted from there, through the controller's own driver."""

    def disc_is_found(visit: Visit) -> None:
        source = visit.console.get("findmnt -rno SOURCE /cdrom")
        assert re.fullmatch(place.device, source), source
        drivers = visit.console.get(_DRIVERS % source.removeprefix("/dev/")).split()
        assert place.controller.driver in drivers

    return disc_is_found


def every_controller_shows_its_drives(visit: Visit) -> None:
    """On the machine of `all_drives`."""
    wanted = Counter(
        (controller.driver, bool(at == controller.cd))
        for controller in CONTROLLERS
        for at in (controller.disk, controller.cd)
        if at and at not in ON_BOARD
    )
    lines = [line.split() for line in visit.console.get(_DRIVES).splitlines()]
    drivers = {driver for driver, _ in wanted}
    seen = Counter(
        (driver, name.startswith("sr"))
        for name, *above in lines
        for driver in above
        if driver in drivers
    )
    assert seen == wanted, lines


def all_drives(media: Media) -> tuple[Drive, ...]:
    """The disc as a CD on the board's controller, and a disk or CD on each other one."""
    others = (name for name in ATTACHMENTS if name not in ON_BOARD)
    return (Drive(media.iso), *(Drive(media.talking_disk(), name) for name in others))


def every_card_gets_an_address(visit: Visit) -> None:
    wanted = {
        (mac(number), CARDS[model][1], f"10.0.{2 + number}.15/24")
        for number, model in enumerate(visit.case.cards)
    }
    # Drivers are loaded after the log-in is there; on an emulated machine this takes its time.
    for _ in range(60):
        seen = {tuple(line.split()) for line in visit.console.get(_CARDS).splitlines()}
        if wanted <= seen:
            return
        visit.console.run("sleep 3")
    assert sorted(seen) == sorted(wanted)


def case_of(place: Place) -> Case:
    """Return the boot of a machine of the matrix."""
    return Case(
        place.name,
        (disc_lies_at(place), every_card_gets_an_address),
        drives=disc_at(place.attachment),
        firmware=place.firmware,
        chipset=place.chipset,
        entry="xen",
        cards=(place.card,),
        settled=False,
    )
