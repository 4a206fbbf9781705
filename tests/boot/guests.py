"""What is checked of guests themselves, and of `xendemo`, the command that makes them."""

from __future__ import annotations

import json
import re
import time

from tests.boot.domains import (
    KNOWING,
    LINK,
    MAIN,
    console_of,
    get_in,
    leave_console,
    micro_guest,
    names,
    prepare_ssh,
    run_in,
    wait_for_answer,
    wait_for_ssh,
    wait_until_gone,
)
from tests.boot.fleet import Visit


def plan_is_printed_and_nothing_started(visit: Visit) -> None:
    said = visit.console.get("xendemo create -n -D mem=100:name=web -D ip=10.84.9.9,169.254.9.9")
    for part in (
        "/cdrom/boot/vmlinuz-xenU", "/cdrom/boot/initrd-xenU", "100", "10.84.9.9", "169.254.9.9",
        "xvda", "role=guest", 'name = "web"', "vif-xendemo",
    ):  # fmt: skip
        assert part in said, part
    assert names(visit) == []
    assert visit.console.run("test -e /etc/xen/guests/web.cfg").status != 0


def wrong_input_starts_nothing(visit: Visit) -> None:
    for words, told in (
        ("-D mem=99999", r"\d+ MiB needed.*; \d+ MiB are free"),
        ("-D ip=10.84.0.999", "10.84.0.999"),
        ("-D ip=169.254.1.0", "domain 0"),
        ("-D ip=no-such-host.invalid", "no-such-host.invalid"),
        ("-D memo=64", r"\bmem\b"),
        ("-D name=Domain-0", "Domain-0"),
        ("-f /nowhere.conf", "/nowhere.conf"),
        ("-D type=pvh", "(?i)pvh"),
    ):
        output = visit.console.run(f"xendemo create {words}")
        assert output.status == 2, (words, output)
        assert re.search(told, output.text), (words, output.text)
        assert "Traceback" not in output.text
    assert names(visit) == []


def two_guests_start_with_one_command(visit: Visit) -> None:
    prepare_ssh(visit)
    said = visit.console.get("xendemo create --count 2", 300)
    for number in (1, 2):
        assert MAIN[number] in said
        assert LINK[number] in said
    assert names(visit) == ["guest1", "guest2"]
    listed = json.loads(visit.console.get("xendemo list --json"))
    assert {"guest1", "guest2"} <= {one["name"] for one in listed}


def console_gives_a_login(visit: Visit) -> None:
    with console_of(visit, "guest1") as guest:
        assert guest.get("cat /proc/sys/kernel/hostname") == "guest1"
        visit.screenshot("guest-console")


def guest_is_a_small_live_system(visit: Visit) -> None:
    """All its services run in 96 MB, its root is its own, the disc is read-only."""
    wait_for_ssh(visit, 1)
    state = get_in(visit, 1, "systemctl is-system-running --wait; systemctl --failed --plain", 480)
    assert state.split()[0] == "running", state
    assert _memory_of(visit, "MemTotal") < 96 * 1024
    deadline = time.monotonic() + 120  # what has just come up may still be at work
    while (available := _memory_of(visit, "MemAvailable")) <= 16 * 1024:
        assert time.monotonic() < deadline, get_in(visit, 1, _WHO_HAS_IT.format(available))
        time.sleep(5)
    assert get_in(visit, 1, "findmnt -rno SOURCE,FSTYPE /cdrom") == "/dev/xvda iso9660"
    assert run_in(visit, 1, "dd if=/dev/zero of=/dev/xvda count=1").status != 0
    assert get_in(visit, 1, "echo mine >/etc/motd && cat /etc/motd") == "mine"
    assert "mine" not in visit.console.get("cat /etc/motd")
    gettys = get_in(visit, 1, "pgrep -a agetty; pgrep -a login; true")
    assert "tty1" not in gettys
    strangers = get_in(visit, 1, "pgrep -l xen; pgrep -l networkd; pgrep -l resolved; true")
    assert "xenstored" not in strangers
    assert "xenconsoled" not in strangers


_WHO_HAS_IT = "echo only {} KiB available; cat /proc/meminfo; ps -eo rss,args --sort=-rss"


def _memory_of(visit: Visit, key: str) -> int:
    """Return a figure of the first guest's /proc/meminfo, in KiB."""
    return int(get_in(visit, 1, f"sed -n /^{key}:/s/[^0-9]//gp /proc/meminfo"))


def a_guest_of_96_mb_runs_beside_dom0(visit: Visit) -> None:
    """In a machine of 384 MB, where dom0 had all the memory before."""
    prepare_ssh(visit)
    visit.console.get("xendemo create", 300)
    wait_for_ssh(visit, 1)
    listed = {one["name"]: one for one in json.loads(visit.console.get("xendemo list --json"))}
    assert listed["guest1"]["memory"] == 96
    free = int(visit.console.get("sed -n /^MemAvailable:/s/[^0-9]//gp /proc/meminfo"))
    assert free > 30_000  # KiB: dom0 still has room to work
    output = visit.console.run("xendemo create")  # there is no room for two
    assert output.status == 2
    assert re.search(r"error: .*memory.*\d+ MiB", output.text), output.text
    visit.console.get("xendemo destroy guest1")


def a_micro_guest_runs(visit: Visit) -> None:
    """Xen, dom0's tools and the guests' kernel go together; with a full guest it takes minutes."""
    with micro_guest(visit) as guest:
        guest.press("ping -c 3 -W 5 169.254.1.0\r")
        assert guest.expect([r"3 packets received", r"packet loss"], 60).index == 0


# --- the chapter in README.CD ---------------------------------------------------------------------

_CHAPTER = r"(?ms)^STARTING OTHER DOMAINS\n-+\n(.*?)^[A-Z, ]+\n-+$"
_COMMAND = re.compile(r"^    ((?:xendemo|xl) .*?)(?:  .*)?$", re.MULTILINE)


def commands_of_the_readme_work(visit: Visit) -> None:
    """Every command of the chapter, in its order; what it leads to is looked at."""
    prepare_ssh(visit)
    chapter = re.search(_CHAPTER, visit.console.get("cat /cdrom/README.CD"))
    assert chapter
    commands = _COMMAND.findall(chapter[1])
    assert len(commands) > 10
    for command in commands:
        _run_as_written(visit, command)
    assert names(visit) == []


def _run_as_written(visit: Visit, command: str) -> None:
    there = names(visit)
    verb = command.split()[1]
    if verb == "console":
        with console_of(visit, command.split()[2]) as guest:
            assert guest.get("hostname") == command.split()[2]
    elif verb == "ssh":
        wait_for_ssh(visit, 1)
        said = visit.console.get(f"{KNOWING} {command} hostname")
        assert command.split()[2] in said.split()
    elif verb == "create" and "-c" in command.split():
        visit.console.press(command + "\r")
        visit.console.expect("login: ", 600)
        leave_console(visit)
        assert len(names(visit)) == len(there) + 1
    else:
        said = visit.console.get(command, 400)
        _EXPECTED[verb](visit, command, said, there)


def _created(visit: Visit, command: str, said: str, there: list[str]) -> None:
    count = 0 if "-n" in command.split() else int((re.findall(r"--count (\d+)", command) or [1])[0])
    now = names(visit)
    assert len(now) == len(there) + count, said
    for name in re.findall(r"name=(\w+)", command):
        assert name in now
    for address in re.findall(r"ip=([\d.]+)", command):
        wait_for_answer(visit, address)
    if "-n" in command.split():
        assert "memory" in said


def _shut_down(visit: Visit, command: str, said: str, there: list[str]) -> None:
    wait_until_gone(visit, command.split()[2])


def _destroyed(visit: Visit, command: str, said: str, there: list[str]) -> None:
    assert names(visit) == []


def _listed(visit: Visit, command: str, said: str, there: list[str]) -> None:
    assert all(name in said for name in there)
    assert MAIN[1] in said
    assert LINK[1] in said


def _translated(visit: Visit, command: str, said: str, there: list[str]) -> None:
    on = "NAT is on" in visit.console.get("xendemo nat status")
    assert on != command.endswith("off")


def _helped(visit: Visit, command: str, said: str, there: list[str]) -> None:
    assert "create" in said
    assert "xendemo.1" in visit.console.get("man -w xendemo")


_EXPECTED = {
    "create": _created,
    "list": _listed,
    "shutdown": _shut_down,
    "destroy": _destroyed,
    "nat": _translated,
    "--help": _helped,
}
