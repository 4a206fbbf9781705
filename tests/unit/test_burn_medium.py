"""What xorriso tells of media, and what follows. The lines are those of real drives and media."""

from __future__ import annotations

import pytest

from democd.burn import medium

ISO = 246_831_104
MIB = 1 << 20

BLANK_CD = """\
Drive current: -outdev '/dev/sr0'
Drive type   : vendor 'HL-DT-ST' product 'BDDVDRW GGC-H20L' revision '1.03'
Media current: CD-R
Media product: 97m34s23f/79m59s73f , Mitsubishi Chemical Corporation
Media status : is blank
Media blocks : 0 readable , 359846 writable , 359846 overall
Media summary: 0 sessions, 0 data blocks, 0 data,  703m free
Write speed  :   1764k , 10.0xC
Write speed l:    706k ,  4.0xC
Write speed L:    706k ,  4.0xC
Write speed H:   1764k , 10.0xC
"""
USED_DVD = """\
Drive type   : vendor 'TSSTcorp' product 'CDDVDW SE-S084F' revision 'TS00'
Media current: DVD+R
Media product: CMC_MAG/M01/48 , CMC Magnetics Corporation
Media status : is written , is appendable
Media blocks : 1 readable , 36416 writable , 2295104 overall
Media summary: 5 sessions, 359728 data blocks,  703m data, 3760m free
"""
USED_CD_RW = """\
xorriso : NOTE : Disc status unsuitable for writing
Media current: CD-RW
Media status : is written , is closed
Media blocks : 157156 readable , 0 writable , 359847 overall
Media summary: 1 session, 157156 data blocks,  307m data,     0 free
"""
NOTHING = """\
Drive type   : vendor 'TSSTcorp' product 'DVD+-RW TS-L633J' revision 'D400'
Media current: is not recognizable
Media status : is not present
"""
PRESSED = """\
Media current: DVD-ROM
Media status : is written , is closed
Media blocks : 1079787 readable , 0 writable , 1079787 overall
"""
BLANK_FILE = """\
Media current: stdio file, overwriteable
Media status : is blank
Media blocks : 0 readable , 10931102 writable , 10931102 overall
Media summary: 0 sessions, 0 data blocks, 0 data, 20.8g free
"""
WRITTEN_FILE = """\
Media current: stdio file, overwriteable
Media status : is written , is closed
Media blocks : 2720 readable , 0 writable , 2720 overall
Media summary: 1 session, 2720 data blocks, 5440k data,     0 free
"""


def told(text: str, *, size: int = ISO, speed: float = 0) -> list[str]:
    there = medium.read(text)
    return [message for message, _ in medium.mistakes(there, "/dev/sr0", size, speed)]


def test_a_blank_cd_is_taken() -> None:
    there = medium.read(BLANK_CD)
    assert (there.kind, there.blank, there.room) == ("CD-R", True, 359846 * 2048)
    assert there.drive == "HL-DT-ST BDDVDRW GGC-H20L"
    assert there.speeds == (4.0, 10.0)
    assert told(BLANK_CD, speed=4) == []
    assert medium.about(there, "/dev/sr0") == [
        "/dev/sr0: HL-DT-ST BDDVDRW GGC-H20L",
        "  CD-R, 737.0 MB, blank",
    ]


@pytest.mark.parametrize(
    ("text", "size", "speed", "message"),
    [
        (BLANK_CD, 800 * MIB, 0, "the CD-R in /dev/sr0 is too small: 737.0 MB, not 838.9 MB"),
        (BLANK_CD, ISO, 16, "/dev/sr0 cannot write it at speed 16"),
        (USED_DVD, ISO, 0, "the DVD+R in /dev/sr0 is not blank: "
         "5 sessions, 359728 data blocks, 703m data"),
        (NOTHING, ISO, 0, "/dev/sr0 has no medium in it that it can read"),
        ("", ISO, 0, "/dev/sr0 has no medium in it that it can read"),
        (PRESSED, ISO, 0, "the medium in /dev/sr0 is a DVD-ROM: nothing can be burned to it"),
        (BLANK_FILE, 30 << 30, 0,
         "the stdio file, overwriteable in /dev/sr0 is too small: 22.4 GB, not 32.2 GB"),
    ],
)  # fmt: skip
def test_what_cannot_be_burned_is_refused(text: str, size: int, speed: float, message: str) -> None:
    assert told(text, size=size, speed=speed) == [message]


def test_all_that_is_wrong_with_a_medium_is_told_at_once() -> None:
    assert len(told(USED_DVD, size=5_000 * MIB)) == 2


def test_a_used_cd_rw_is_erased_and_that_is_said() -> None:
    there = medium.read(USED_CD_RW)
    assert told(USED_CD_RW) == []
    assert told(USED_CD_RW, size=700 * MIB) == []
    assert len(told(USED_CD_RW, size=800 * MIB)) == 1
    assert medium.about(there, "/dev/sr0")[-1] == (
        "  holds 1 session, 157156 data blocks, 307m data: that is erased"
    )


def test_a_file_may_grow() -> None:
    assert told(WRITTEN_FILE) == []


def test_a_cd_is_burned_as_one_session_with_room_behind_it() -> None:
    there = medium.read(BLANK_CD)
    command = medium.command(there, "/dev/sr0", "x.iso", ISO, 8)
    assert command == [
        "xorriso", "-as", "cdrecord", "-v", "dev=/dev/sr0", "blank=as_needed",
        f"tsize={ISO // 2048}s", "padsize=150s", "speed=8c", "-sao", "x.iso",
    ]  # fmt: skip
    assert "padsize=0s" in medium.command(there, "/dev/sr0", "x.iso", there.room - 2048, 0)
    assert "-sao" not in medium.command(medium.read(USED_DVD), "/dev/sr0", "x.iso", ISO, 0)


def test_progress_is_read() -> None:
    line = "xorriso : UPDATE :    3 of    5 MB written (fifo 25%) [buf  50%]"
    assert medium.progress(line) == (3, 5)
    assert medium.progress("Beginning to write data track.") is None
