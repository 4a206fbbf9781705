import uuid

import pytest

from democd.formats import gpt

SECTORS = 4096
DISK = uuid.UUID(int=5)
ESP = gpt.Partition(gpt.ESP_TYPE, uuid.UUID(int=6), 200, 1199, "EFI system partition")


def disk() -> bytearray:
    """Return a disk with both GPTs."""
    image = bytearray(SECTORS * 512)
    primary, backup = gpt.labels(SECTORS, DISK, [ESP])
    image[512 : 512 + len(primary)] = primary
    image[-len(backup) :] = backup
    return image


def test_both_labels_tell_the_same() -> None:
    image = bytes(disk())
    primary, backup = gpt.parse(image, 1), gpt.parse(image, SECTORS - 1)
    assert primary.partitions == backup.partitions == (ESP,)
    assert (primary.disk, primary.first_usable) == (DISK, 64)
    assert (primary.other, backup.other) == (SECTORS - 1, 1)
    assert primary.last_usable == SECTORS - 34


def test_backup_can_be_read_from_the_end_of_the_disk_alone() -> None:
    tail = bytes(disk()[-33 * 512 :])
    assert gpt.parse(tail, SECTORS - 1, first=SECTORS - 33).partitions == (ESP,)


@pytest.mark.parametrize(
    ("at", "words"),
    [(512, "no GPT header"), (512 + 40, "checksum of the GPT header"), (1024, "partition table")],
)
def test_damage_is_named(at: int, words: str) -> None:
    image = disk()
    image[at] ^= 0xFF
    with pytest.raises(ValueError, match=words):
        gpt.parse(bytes(image), 1)


def test_header_at_another_place() -> None:
    image = disk()
    with pytest.raises(ValueError, match="says that it lies at 1"):
        gpt.parse(bytes(image[:512] * 4 + image[512:]), 4)


def test_mbr_is_right_for_its_disk_only() -> None:
    sector = gpt.mbr(b"\x90" * 512, 180, 0xCAFE, SECTORS)
    assert len(sector) == 512
    assert gpt.mbr_mistakes(sector, 180, SECTORS) == []
    assert gpt.mbr_mistakes(sector, 184, SECTORS) == [
        "its boot code loads sector 180, GRUB is at 184"
    ]
    assert "protective" in gpt.mbr_mistakes(sector, 180, SECTORS + 4)[0]


def test_empty_mbr() -> None:
    wrong = " ".join(gpt.mbr_mistakes(bytes(512), 180, SECTORS))
    for words in ("signature", "no boot code", "protective", "active"):
        assert words in wrong
