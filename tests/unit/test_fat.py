import pytest

from democd.formats import fat

FILES = {"/EFI/BOOT/BOOTX64.EFI": bytes(range(256)) * 5000, "/README.TXT": b"", "/EFI/A": b"x"}


def packed(files: dict[str, bytes] = FILES, serial: int = 0x1234ABCD) -> bytes:
    return fat.pack(files, label="EFI", serial=serial, date=1_760_000_000)


def test_what_is_packed_can_be_read() -> None:
    assert fat.read(packed()) == FILES


def test_image_fills_whole_blocks_of_a_cd() -> None:
    assert len(packed()) % 2048 == 0


def test_large_files_make_a_larger_image() -> None:
    large = {"/BIG": b"z" * 6_000_000}
    assert fat.read(packed(large)) == large


def test_folder_of_more_than_a_cluster() -> None:
    many = {f"/DIR/F{number}": str(number).encode() for number in range(100)}
    assert fat.read(packed(many)) == many


@pytest.mark.parametrize(
    "name", ["lower.efi", "TOOLONGNAME.EFI", "A.LONG", "A.B.C", "SP ACE", ".EFI"]
)
def test_names_that_are_not_8_3_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"8\.3"):
        packed({f"/EFI/{name}": b""})


@pytest.mark.parametrize("content", [b"", b"x" * 512, b"\xff" * 4096, bytes(70_000)])
def test_other_bytes_are_not_fat(content: bytes) -> None:
    with pytest.raises(ValueError, match="FAT"):
        fat.read(content)


def test_cut_image_is_told() -> None:
    with pytest.raises(ValueError, match="the image"):
        fat.read(packed()[:-4096])


def test_endless_chain_is_told() -> None:
    image = bytearray(packed({"/A": b"x" * 3000}))
    for cluster in range(2, 8):  # each cluster's next is the first
        image[512 + 2 * cluster : 514 + 2 * cluster] = b"\x02\x00"
    with pytest.raises(ValueError, match="chain"):
        fat.read(bytes(image))
