"""The dialog on a terminal of its own, and answers from a server of the test's own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pexpect
import pytest

from tests.support.building import PROJECT
from xendemo.errors import Failure, InputError
from xendemo.install import answers

CODE = PROJECT / "overlays/xendemo/usr/lib/xendemo"
SCRIPT = """
import sys
sys.dont_write_bytecode = True
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from tests.support.lsblk import disk, facts, part
from xendemo.errors import InputError
from xendemo.install import dialog, password
try:
    sdc = disk("sdc", part("sdc1", fstype="xfs", mountpoints=["/mnt"]))
    options = dialog.ask(facts(disk("sda", part("sda1", fstype="ext4")), disk("sdb"), sdc))
    print("WANTED", options.way, options.target, options.wipe or "-", options.hostname,
          options.swap, password.is_hash_of("s3cret", options.password_hash), options.default)
except InputError as error:
    print("REFUSED", error)
"""


@pytest.fixture
def terminal() -> Iterator[pexpect.spawn[str]]:
    child = pexpect.spawn(sys.executable, ["-c", SCRIPT, str(CODE), str(PROJECT)],
                          encoding="utf-8", timeout=60)  # fmt: skip
    child.delaybeforesend = None  # nothing is typed before it is asked for
    yield child
    child.close(force=True)


def answer(terminal: pexpect.spawn[str], *pairs: tuple[str, str]) -> None:
    for asked, typed in pairs:
        terminal.expect_exact(asked)
        terminal.sendline(typed)


def test_an_empty_disk(terminal: pexpect.spawn[str]) -> None:
    answer(terminal, ("Number: ", "1"), ("/dev/sdb", ""), ("Number: ", "2"),
           ("[xendemo]: ", "xen1"), ("[0]: ", "2G"), ("New password of root: ", "s3cret"),
           ("once more: ", "s3cret"))  # fmt: skip
    terminal.expect_exact(f"WANTED disk /dev/sdb - xen1 {2 << 30} True False")
    assert "s3cret" not in terminal.before


def test_a_disk_with_something_on_it_is_not_taken_by_pressing_enter(
    terminal: pexpect.spawn[str],
) -> None:
    answer(terminal, ("Number: ", "1"), ("Number: ", "1"))
    terminal.expect_exact("/dev/sda IS NOT EMPTY: 1 partition (/dev/sda1 ext4 20.0 GiB)")
    answer(terminal, ("[no]: ", ""))
    terminal.expect_exact("REFUSED nothing has been done")


def test_wrong_answers_are_asked_again(terminal: pexpect.spawn[str]) -> None:
    answer(terminal, ("Number: ", "7"), ("type a number from 1 to 3", ""), ("Number: ", "two"),
           ("type a number from 1 to 3", "2"), ("/dev/sda1", ""), ("Number: ", "1"),
           ("[no]: ", "maybe"), ("type yes or no", "yes"))  # fmt: skip
    terminal.expect_exact("WANTED into /dev/sda1 - xendemo 0 False True")


def test_a_linux_that_is_mounted_is_named_by_its_folder(terminal: pexpect.spawn[str]) -> None:
    answer(terminal, ("Number: ", "2"), ("xfs, mounted at /mnt", ""), ("Number: ", "2"),
           ("[no]: ", "no"))  # fmt: skip
    terminal.expect_exact("WANTED into /mnt - xendemo 0 False False")


# --- a server -------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as httpd:
        thread = threading.Thread(target=partial(httpd.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_answers_from_a_server(server: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[install]\nway = "into"\ntarget = "/mnt"\n')
    assert answers.read(answers.fetch(f"{server}/a.toml"), "a.toml").target == "/mnt"
    with pytest.raises(Failure, match="404"):
        answers.fetch(f"{server}/b.toml")
    (tmp_path / "big").write_bytes(bytes(answers.LARGEST + 1))
    with pytest.raises(InputError, match="no file of answers"):
        answers.fetch(f"{server}/big")
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no UTF-8"):
        answers.fetch(f"{server}/latin")
