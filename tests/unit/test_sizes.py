"""What takes how much of the medium, and how it is told."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from democd import layout, sizes

CD = 737_280_000
FILES = {
    "/live/base.squashfs": 200_000_000,
    "/live/common.squashfs": 8_192,
    "/live/dom0.squashfs": 1,
    "/live/tools.squashfs": 9_000_000,
    "/live/modules-xen0.squashfs": 30_000_000,
    "/live/sources.squashfs": 180_000_000,
    "/boot/xen.gz": 1_200_000,
    "/boot/vmlinuz-xen0": 12_000_000,
    "/boot/vmlinuz-xenU": 11_000_000,
    "/boot/initrd-xen0": 4_000_000,
    "/boot/grub/grub.cfg": 5_000,
    "/EFI/BOOT/BOOTX64.EFI": 1_300_000,
    "/guests/xtf/example.cfg": 100,
    "/manifest.json": 4_000,
    "/somebody/thesis.pdf": 5_000_000,
}


def table(total: int = 460_000_000) -> sizes.Sizes:
    return sizes.of_files(FILES, total, "cd80", CD)


def test_each_file_counts_for_its_part_in_whole_blocks() -> None:
    found = {part.name: part.size for part in table().parts}
    assert found["system"] == 200_001_536, "97657 blocks"
    assert found["overlays"] == 8_192 + 2_048
    assert found["own parts"] == 39_002_112
    assert found["kernels"] == 23_003_136
    assert found["other files"] == 5_001_216
    assert sum(found.values()) == 460_000_000


def test_every_path_that_a_disc_has_is_of_a_part_with_a_name() -> None:
    paths = [
        *(value for name, value in vars(layout).items() if name.isupper() and type(value) is str),
        *layout.KERNEL.values(),
        *layout.INITRD.values(),
    ]
    folders = {layout.LAYERS, layout.GUESTS, layout.GRUB_FOLDER, layout.NET_FOLDER}
    files = [path for path in paths if path.startswith("/") and path not in folders]
    assert len(files) > 12
    assert [path for path in files if sizes.part_of(path) == "other files"] == []


def test_the_largest_is_told_first_and_what_is_left_last() -> None:
    lines = sizes.lines(table())
    assert lines[0] == "system        200.0 MB   27.1 %"
    assert lines[1] == "sources       180.0 MB   24.4 %"
    assert lines[-1] == "left on cd80  277.3 MB   37.6 % of 737.3 MB"


def test_a_disc_that_is_too_big_says_by_how_much() -> None:
    assert sizes.lines(table(CD + 20_480_000))[-1] == "too much       20.5 MB"


@given(
    st.dictionaries(st.sampled_from(sorted(FILES)), st.integers(0, 60_000_000), min_size=1),
    st.integers(0, 100_000),
)
def test_no_disc_takes_more_characters_to_tell_than_the_longest(
    files: dict[str, int], structure: int
) -> None:
    longest = json.dumps(sizes.longest(files, "dvd", 4_700_000_000).as_json())
    total = sum(files.values()) + 2_048 * len(files) + structure
    taken = sizes.of_files(files, total, "dvd", 4_700_000_000)
    assert taken.left >= 0
    assert len(json.dumps(taken.as_json())) <= len(longest)
