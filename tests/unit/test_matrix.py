"""The hardware matrix is whole, and the README tells just what it boots."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from democd.drivers import read_lists
from democd.host.devices import ATTACHMENTS, NICS
from tests.boot import matrix


def test_each_machine_has_a_name_of_its_own() -> None:
    names = Counter(place.name for place in matrix.PLACES)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_attachment_is_in_the_matrix() -> None:
    assert {place.attachment for place in matrix.PLACES} == set(ATTACHMENTS)


@pytest.mark.parametrize("firmware", matrix.FIRMWARES)
def test_every_card_is_tried_with_each_firmware(firmware: str) -> None:
    assert set(matrix.CARDS) == set(NICS)
    assert {place.card for place in matrix.PLACES if place.firmware == firmware} == set(NICS)


def test_every_controller_is_tried_in_each_way_or_the_firmware_cannot() -> None:
    assert "not tested" not in matrix.table()
    for place in matrix.PLACES:
        assert (place.controller.name, place.firmware) not in matrix.CANNOT


def test_the_readme_tells_what_is_tested(project: Path) -> None:
    readme = (project / "README.md").read_text()
    assert matrix.table() in readme
    assert matrix.cards() in readme


def test_the_initrd_has_the_drivers(project: Path) -> None:
    listed = read_lists(project / "rootfs/modules", ["hardware"])["hardware"]
    modules = {word.removesuffix("?").replace("-", "_") for word in listed}
    drivers = {controller.driver.replace("-", "_") for controller in matrix.CONTROLLERS}
    # The module that makes USB's xHCI a PCI device calls its driver so.
    assert {driver.replace("xhci_hcd", "xhci_pci") for driver in drivers} <= modules
