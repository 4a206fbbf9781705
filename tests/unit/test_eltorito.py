import struct

import pytest

from democd.formats import eltorito

IMAGE = bytes(range(256)) * 40


def test_patched_image_is_right_at_its_place_and_wrong_elsewhere() -> None:
    image = eltorito.patched(IMAGE, 77)
    assert eltorito.patch_mistakes(image, 77) == []
    wrong = eltorito.patch_mistakes(image, 78)
    assert wrong == [
        "the boot information table's own place is 77, not 78",
        "GRUB's block list is 313, not 317",
    ]


def test_patching_touches_only_its_fields() -> None:
    image = eltorito.patched(IMAGE, 77)
    changed = {at for at in range(len(IMAGE)) if image[at] != IMAGE[at]}
    assert changed <= set(range(8, 64)) | set(range(2548, 2556))


def test_flipped_byte_breaks_the_checksum() -> None:
    image = bytearray(eltorito.patched(IMAGE, 77))
    image[5000] ^= 1
    assert "checksum" in eltorito.patch_mistakes(bytes(image), 77)[0]


def test_short_image_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        eltorito.patched(b"x" * 2000, 77)
    assert eltorito.patch_mistakes(b"x" * 100, 77) == ["the image has only 100 bytes"]


def catalog() -> bytearray:
    validation = bytearray(struct.pack("<BB2x24sH2s", 1, 0, b"", 0, b"\x55\xaa"))
    total = sum(struct.unpack("<16H", validation))
    struct.pack_into("<H", validation, 28, -total & 0xFFFF)
    bios = struct.pack("<BBHBxHI20x", 0x88, 0, 0, 0, 4, 40)
    section = struct.pack("<BBH28s", 0x91, 0xEF, 1, b"")
    uefi = struct.pack("<BBHBxHI20x", 0x88, 0, 0, 0, 4168, 55)
    return bytearray((bytes(validation) + bios + section + uefi).ljust(2048, b"\0"))


def test_catalog_entries() -> None:
    assert eltorito.parse_catalog(bytes(catalog())) == [
        eltorito.BootEntry(eltorito.BIOS, True, 0, 4, 40),
        eltorito.BootEntry(eltorito.UEFI, True, 0, 4168, 55),
    ]


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [(0, 2, "validation"), (30, 0, "validation"), (5, 1, "checksum")],
)
def test_damaged_catalog(at: int, value: int, words: str) -> None:
    damaged = catalog()
    damaged[at] = value
    with pytest.raises(ValueError, match=words):
        eltorito.parse_catalog(bytes(damaged))


def test_section_that_runs_out_of_the_catalog() -> None:
    damaged = catalog()
    damaged[66] = 200
    with pytest.raises(ValueError, match="cut short"):
        eltorito.parse_catalog(bytes(damaged))


def test_other_boot_records_are_not_el_torito() -> None:
    with pytest.raises(ValueError, match="El Torito"):
        eltorito.catalog_lba(b"\0CD001\x01OTHER".ljust(2048, b"\0"))
