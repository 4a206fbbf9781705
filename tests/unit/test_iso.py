import io
import os
import resource
import time
from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.formats import iso, isoread

BOOT = iso.BootFiles("/boot/bios.img", "/boot/efi.img", "/boot/boot.cat")
FILES: iso.Contents = {
    "/boot/bios.img": b"b" * 5000,
    "/boot/efi.img": b"e" * 9000,
    "/a/b/c/d/e/f/g/h/i/j/deep": b"deep",
    "/empty": b"",
    "/Mixed Case.txt": b"text",
}


def volume(name: str = "NAME", text: str = "who") -> iso.Volume:
    return iso.Volume(name, text, "with what", "what", 1_760_000_000)


def written(files: iso.Contents = FILES, of: iso.Volume | None = None) -> bytes:
    target = io.BytesIO()
    iso.write(target, of or volume(), files, BOOT, lambda done, total: None)
    return target.getvalue()


def read(content: bytes) -> isoread.Disc:
    return isoread.Disc(io.BytesIO(content), len(content))


def test_what_is_written_can_be_read() -> None:
    disc = read(written())
    found = {path: disc.content(extent) for path, extent in disc.files().items()}
    catalog = found.pop("/boot/boot.cat")
    assert found == FILES
    assert catalog[:1] == b"\x01"


def test_layout_is_known_before_writing() -> None:
    planned = iso.layout(volume(), FILES, BOOT)
    disc = read(written())
    places = {path: extent.lba for path, extent in disc.files().items() if extent.size}
    del places["/boot/boot.cat"]
    assert {path: lba for path, lba in planned.lba.items() if path != "/empty"} == places
    assert planned.blocks * iso.BLOCK == disc.size
    assert planned.catalog == disc.content(disc.files()["/boot/boot.cat"])


def test_long_names_are_whole_in_the_primary_descriptor() -> None:
    name, text = "A_VOLUME_ID_OF_32_CHARACTERS_XYZ", "t" * 128
    primary = read(written(of=volume(name, text))).primary
    assert (primary.volume_id, primary.publisher) == (name, text)


def test_a_disc_that_does_not_boot_has_no_room_for_boot_records() -> None:
    target = io.BytesIO()
    files: iso.Contents = {"/README": b"text"}
    layout = iso.write(target, volume(), files, None, lambda done, total: None)
    disc = read(target.getvalue())
    assert [kind for kind, _ in disc.descriptors].count(isoread.BOOT_RECORD) == 0
    assert layout.blocks == layout.lba["/README"] + 1 + iso.PADDING
    assert layout.blocks * iso.BLOCK == disc.size == disc.primary.blocks * iso.BLOCK
    assert {path: disc.content(extent) for path, extent in disc.files().items()} == files


def test_a_disc_may_have_more_files_than_a_process_may_open(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {}
    for number in range(200):
        path = tmp_path / f"{number}"
        path.write_text(path.name * 1000)
        files[f"/{number}"] = path
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        disc = read(written({**FILES, **files}))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert disc.content(disc.files()["/199"]) == b"199" * 1000


@pytest.mark.parametrize("length", [60, 65, 100, 140, iso.NAME_MAX])
def test_long_names_of_source_packages_are_whole(length: int) -> None:
    folder = "libfoo+bar~rc1" * 20
    names = [f"{folder[:length]}", f"{folder[: length - 1]}!"]
    files: iso.Contents = {f"/{names[0]}/{name}": name.encode() for name in names}
    disc = read(written({**FILES, **files}))
    found = disc.files()
    assert {path: disc.content(found[path]) for path in files} == files


def test_clock_is_given_back() -> None:
    written()
    assert abs(iso.pycdlib.headervd.time.time() - time.time()) < 60


def mistakes(files: iso.Contents) -> str:
    return "\n".join(message for message, _ in iso.mistakes(volume(), files))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/README", "one name on Windows"),
        ("/" + "n" * 181, "name too long"),
        ("/what?", "not a name for a disc"),
        ("/new\nline", "not a name for a disc"),
        ("/a/../b", "not a name for a disc"),
        ("/readme/x", "both a file and a folder"),
        ("relative", "not an absolute path"),
        ("/a//b", "not an absolute path"),
    ],
)
def test_names_that_a_disc_cannot_hold(path: str, words: str) -> None:
    assert words in mistakes({"/readme": b"", path: b""})


def test_good_names_are_no_mistakes() -> None:
    assert mistakes(FILES) == ""


def test_fifo_folder_and_missing_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "not a plain file" in mistakes({"/x": tmp_path / "fifo"})
    assert "not a plain file" in mistakes({"/x": tmp_path})
    assert "No such file" in mistakes({"/x": tmp_path / "none"})
    with pytest.raises(BuildError, match="not a plain file"):
        written({**FILES, "/x": tmp_path / "fifo"})


def test_bad_volume_texts() -> None:
    for bad in (volume(""), volume("N" * 33), volume("NÄME"), volume(text="x" * 129)):
        assert len(iso.mistakes(bad, FILES)) == 1


def test_folder_larger_than_a_block() -> None:
    many = {f"/many/file-with-a-long-name-{number:04}": b"x" for number in range(300)}
    disc = read(written({**FILES, **many}))
    assert set(many) <= set(disc.files())


@pytest.mark.parametrize("content", [b"", b"x" * 100_000, bytes(40_000)])
def test_other_bytes_are_no_volume(content: bytes) -> None:
    with pytest.raises(ValueError, match="not an ISO 9660 volume"):
        read(content)


def test_folders_in_a_circle_are_told() -> None:
    content = bytearray(written({**FILES, "/loop/x": b""}))
    root = read(bytes(content)).primary.root
    at = content.index(b"loop", root.lba * 2048) - 33
    content[at + 2 : at + 6] = root.lba.to_bytes(4, "little")
    with pytest.raises(ValueError, match="no end"):
        read(bytes(content)).files()


def test_a_sector_that_cannot_be_read_is_told_as_damage() -> None:
    """As of a scratched disc; address 0 of a process cannot be read either (EIO)."""
    with (
        Path("/proc/self/mem").open("rb", buffering=0) as stream,
        pytest.raises(ValueError, match="cannot be read"),
    ):
        isoread.Disc(stream, 1 << 20)
