"""GNU cpio reads what we write."""

import shutil
import subprocess

import pytest

from democd.formats import cpio

pytestmark = pytest.mark.skipif(not shutil.which("cpio"), reason="no cpio")


def listed(archive: bytes) -> list[str]:
    done = subprocess.run(
        ["cpio", "-itvn"], input=archive, capture_output=True, check=True, env={"TZ": "UTC"}
    )
    return done.stdout.decode().splitlines()


def test_cpio_lists_every_kind_of_file_as_it_was_given() -> None:
    archive = cpio.pack(
        [
            cpio.file("bin/sh", b"#!", 0o755),
            cpio.symlink("sbin", "bin"),
            cpio.character_device("dev/console", 5, 1),
        ],
        1_700_000_000,
    )
    lines = [line.split() for line in listed(archive)]
    assert [line[0] for line in lines] == [
        "drwxr-xr-x", "-rwxr-xr-x", "drwxr-xr-x", "crw-------", "lrwxrwxrwx",
    ]  # fmt: skip
    assert all(line[2:4] == ["0", "0"] for line in lines)
    assert lines[3][4:6] == ["5,", "1"]
    assert lines[4][-3:] == ["sbin", "->", "bin"]
    assert lines[1][5:8] == ["Nov", "14", "2023"]


def test_cpio_reads_back_contents_of_every_length() -> None:
    archive = cpio.pack([cpio.file(f"f{n}", b"x" * n) for n in range(9)], 0)
    assert [int(line.split()[4]) for line in listed(archive)] == list(range(9))
