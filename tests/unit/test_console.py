"""The serial console, against a real shell on a pseudo-terminal and against scripted speech."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from democd.smoke.console import Console, ConsoleError
from democd.smoke.fatal import GRUB_ERROR
from democd.smoke.transcript import Transcript

Part = str | float
"""Words to say, or seconds to wait."""


@contextmanager
def speaking(*parts: Part, hold: bool = True, log: Path | None = None) -> Iterator[Console]:
    """A console on whose other end a thread says the parts."""
    ours, theirs = socket.socketpair()

    def speak() -> None:
        for part in parts:
            if isinstance(part, str):
                theirs.sendall(part.encode())
            else:
                time.sleep(part)
        if not hold:
            theirs.close()

    speaker = threading.Thread(target=speak)
    speaker.start()
    with Console(ours, log) as console:
        console.quiet = 0.1
        yield console
        speaker.join()
    theirs.close()


def failure(act: Callable[[], object]) -> ConsoleError:
    with pytest.raises(ConsoleError) as caught:
        act()
    return caught.value


def test_a_wait_ends_with_the_first_of_its_patterns() -> None:
    with speaking("one two", 0.05, " three\r\n") as console:
        seen = console.expect(["three", "two"], 5)
        assert (seen.index, seen.text, seen.before) == (1, "two", "one ")
        assert console.expect("three", 5).before == " "


@pytest.mark.parametrize(
    "words",
    [
        "(XEN) Panic on CPU 0:\r\n(XEN) Something bad\r\n",
        "(XEN) Hardware Dom0 crashed: 'noreboot' set - not rebooting.\r\n",
        "[    2.1] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n",
        "\r\nERR: Not a Multiboot bootloader!\r\n",
        "BdsDxe: No bootable option or device was found.\r\n",
    ],
)
def test_a_panic_ends_the_wait_at_once(words: str) -> None:
    begun = time.monotonic()
    with speaking("booting\r\n" + words) as console:
        error = failure(lambda: console.expect("login:", 60))
    assert error.kind == "panic"
    assert time.monotonic() - begun < 10
    assert words.strip().splitlines()[-1] in error.hint  # the last lines are with it


def test_what_came_before_the_panic_is_still_seen() -> None:
    with speaking("login: Panic on CPU 0") as console:
        assert console.expect("login:", 5).text == "login:"
        assert failure(lambda: console.expect("Password", 5)).kind == "panic"


def test_what_follows_a_panic_a_moment_later_is_with_it() -> None:
    words = ("(XEN) Panic on CPU 0:\r\n", 0.1, "(XEN) Something bad\r\n")
    with speaking(*words, hold=False) as console:
        console.quiet = 5
        error = failure(lambda: console.expect("login:", 60))
    assert "Something bad" in error.hint


@pytest.mark.parametrize("words", ["ERR: is a word in a line", "terror: none", "a kernel panic"])
def test_harmless_words_are_no_panic(words: str) -> None:
    with speaking(f"said {words}\r\ndone") as console:
        assert console.expect("done", 5, fatal=[GRUB_ERROR]).text == "done"


def test_errors_of_grub_count_in_grub_only() -> None:
    words = "error: file `/boot/x' not found.\r\nlogin:"
    with speaking(words) as console:
        assert console.expect("login:", 5).text == "login:"
    with speaking(words) as console:
        error = failure(lambda: console.expect("login:", 5, fatal=[GRUB_ERROR]))
    assert "`/boot/x' not found" in error.message


def test_a_hang_is_told_from_slowness() -> None:
    with speaking("starting\r\n") as console:
        assert failure(lambda: console.expect("login:", 30, silence=0.3)).kind == "silent"
    with speaking(*(["tick\r\n", 0.05] * 20)) as console:
        assert failure(lambda: console.expect("login:", 0.8, silence=0.5)).kind == "slow"


def test_a_machine_that_ends_is_told() -> None:
    with speaking("starting\r\n", hold=False) as console:
        assert failure(lambda: console.expect("login:", 30)).kind == "ended"
        assert failure(lambda: console.press("x" * 200000)).kind == "ended"


def test_the_log_has_all_lines_with_their_times(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with speaking("\x1b[31mone\x1b[0m\r\n", 0.5, "two\r\nunfini", "shed", log=log) as console:
        console.expect("shed", 5)
    first, second, third = log.read_text().splitlines()
    assert first.endswith("] one")
    assert third.endswith("] unfinished")
    assert 0.35 < float(second[1:8]) - float(first[1:8]) < 5


def test_last_lines_leave_out_the_empty_ones() -> None:
    transcript = Transcript()
    transcript.write("".join(f"line {n}\r\n\r\n" for n in range(9)) + "end")
    assert [line[10:] for line in transcript.last(3).splitlines()] == ["line 7", "line 8", "end"]


@contextmanager
def shell(garble: str = "", lose: str = "") -> Iterator[Console]:
    """A console that ends in a real shell behind a log-in prompt of ours.

    Args:
        garble: a message of Xen breaks in once, four characters behind the first such word.
        lose: swallow this character once, when it is typed first.
    """
    master, slave = pty.openpty()
    script = (
        "printf 'host login: '; read u; printf 'Password: '; stty -echo; read p; stty echo;"
        "[ $p = right ] || { echo; echo Login incorrect; exec sleep 9; };"
        "echo; echo 'Welcome, type help'; exec env PS1='# ' sh -i"
    )
    process = subprocess.Popen(
        ["sh", "-c", script], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    ours, theirs = socket.socketpair()
    theirs.settimeout(0.05)
    stop = threading.Event()

    def up() -> None:
        broken = False
        try:
            while data := os.read(master, 4096):
                at = data.find(garble.encode()) if garble and not broken else -1
                if at >= 0:
                    broken = True
                    at += len(garble) + 4
                    data = data[:at] + b"(XEN) mm.c:1 noise\r\n" + data[at:]
                theirs.sendall(data)
        except OSError:
            pass

    def down() -> None:
        lost = not lose
        while not stop.is_set():
            try:
                data = theirs.recv(64)
            except TimeoutError:
                continue
            if not data:
                return
            if not lost and lose.encode() in data:
                lost, data = True, data.replace(lose.encode(), b"", 1)
            os.write(master, data)

    threads = [threading.Thread(target=up), threading.Thread(target=down)]
    for thread in threads:
        thread.start()
    try:
        with Console(ours) as console:
            console.pause = 0  # a pseudo-terminal loses nothing, however fast it is typed on
            yield console
    finally:
        stop.set()
        process.kill()
        process.wait()
        for thread in threads:
            thread.join(5)
        os.close(master)
        theirs.close()


def test_commands_come_back_with_output_and_status() -> None:
    with shell() as console:
        assert "Welcome, type help" in console.login("root", "right")
        assert console.run('echo hi; echo "it\'s" >&2; exit 3').text == "hi\nit's\n"
        assert console.run("exit 3").status == 3
        assert console.get("printf 'a\\nb  c\\n'") == "a\nb  c"
        assert console.get("cat") == ""  # nothing typed later is eaten
        big = console.get("seq 1 4000")
        assert big.split() == [str(n) for n in range(1, 4001)]


def test_a_command_that_fails_says_which_and_why() -> None:
    with shell() as console:
        console.login("root", "right")
        error = failure(lambda: console.get("ls /nowhere"))
    assert "ls /nowhere" in error.message
    assert "No such file" in error.hint


def test_a_wrong_password_is_told() -> None:
    with shell() as console:
        error = failure(lambda: console.login("root", "wrong"))
    assert error.kind == "wrong"


def test_a_message_in_the_middle_of_an_answer_does_no_harm() -> None:
    with shell(garble="<c1=") as console:
        console.login("root", "right")
        assert console.get("echo one; echo two") == "one\ntwo"
        assert console.get("echo three") == "three"


def test_a_character_lost_on_the_way_is_noticed() -> None:
    with shell(lose="7") as console:
        console.login("root", "right")
        assert console.get("echo 6789") == "6789"


def test_a_command_is_run_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    with shell(garble="<c1=") as console:
        console.login("root", "right")
        console.get(f"echo ran | tee -a {tmp_path}/runs")
        assert console.get(f"cat {tmp_path}/runs") == "ran"
