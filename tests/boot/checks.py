"""What is checked on a machine that runs the disc. Each function is a test of its own."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import shlex
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from democd.smoke.console import Console
from tests.boot.fleet import Visit
from tests.boot.media import DISK_SAYS, ISO_PATH

PASSWORD = "xendemo"


# --- coming up -----------------------------------------------------------------------------------


def comes_up(visit: Visit) -> float:
    """Reached at all; the screen then belongs into the artifacts."""
    picture = visit.screenshot("login")
    assert picture.stat().st_size > 1000
    return visit.console.transcript.seconds()


def no_failed_units(visit: Visit) -> None:
    failed = visit.console.get("systemctl --failed --no-legend --plain")
    if failed:
        unit = failed.split()[0]
        failed += "\n" + visit.console.run(f"systemctl status --no-pager {unit}").text
    assert not failed
    assert visit.console.run("systemctl is-system-running").text.strip() == "running"


def motd_is_shown(visit: Visit) -> None:
    motd = visit.console.get("cat /etc/motd")
    first = next(line for line in motd.splitlines() if line.strip())
    assert first.strip() in visit.greeting
    assert "xl" in motd  # what to type first
    assert visit.greeting.count(first.strip()) == 1


def user_is_user(visit: Visit) -> None:
    assert visit.console.get("id -un; id -u").split() == ["user", "1000"]
    assert visit.console.run("cat /etc/shadow").status != 0
    assert visit.console.get("cd; echo mine >f; cat f; pwd").split() == ["mine", "/home/user"]


# --- Xen -----------------------------------------------------------------------------------------


def dom0_runs(visit: Visit) -> None:
    domains = visit.console.get("xl list")
    assert re.search(r"^Domain-0 +0 ", domains, re.MULTILINE), domains
    assert visit.console.get("cat /sys/hypervisor/type") == "xen"


def xenstore_and_consoles_run(visit: Visit) -> None:
    assert visit.console.get("xenstore-read /local/domain/0/name") == "Domain-0"
    assert visit.console.get("pgrep -x xenconsoled").isdigit()


def xen_knows_all_its_options(visit: Visit) -> None:
    unknown = re.findall(r'parameter "[^"]*" (?:unknown|invalid).*', visit.log.read_text())
    assert not unknown


def there_is_no_xen(visit: Visit) -> None:
    assert visit.console.run("test -e /sys/hypervisor/type").status != 0
    assert "role=plain" in visit.console.get("cat /proc/cmdline")


def nothing_of_xen_runs(visit: Visit) -> None:
    """The packages are there, as on the whole disc; what runs or listens is not."""
    assert visit.console.run("pgrep -l xen; pgrep -l xl").text == ""
    assert "xen" not in visit.console.get("ip -br link")
    units = visit.console.get("systemctl list-units --no-legend --plain")
    assert not [line for line in units.splitlines() if re.match(r"xen|proc-xen|domains", line)]
    refused = visit.console.run("xendemo create")  # the command is there for its installer
    assert refused.status == 1
    assert "Xen is not running on this machine" in refused.text
    assert "169.254" not in visit.console.run("cat /etc/ssh/sshd_config.d/*; ip addr").text


def the_whole_machine_has_384_mb(visit: Visit) -> None:
    total = re.search(r"total_memory +: (\d+)", visit.console.get("xl info"))
    assert total
    assert 350 < int(total[1]) <= 384
    free = visit.console.get("awk '/MemAvailable/ {print $2}' /proc/meminfo")
    assert int(free) > 30_000  # KiB: there is room to work


def safe_mode_reaches_xen_and_linux(visit: Visit) -> None:
    options = visit.console.get("xl info xen_commandline || xl info | grep xen_commandline")
    assert {"nosmp", "noreboot", "loglvl=all"} <= set(options.split())
    assert "nomodeset" in visit.console.get("cat /proc/cmdline").split()


def linux_leaves_the_screen_alone(visit: Visit) -> None:
    assert "nomodeset" in visit.console.get("cat /proc/cmdline").split()
    assert "drmfb" not in visit.console.run("cat /proc/fb").text  # no driver for the card


def screen_is_what_linux_draws_on(visit: Visit) -> None:
    """A frame buffer of another shape than the screen's shows as snow."""
    picture = visit.screenshot("screen").read_bytes()
    size = struct.unpack_from(">II", picture, 16)  # IHDR: width, height (PNG, 11.2.2)
    drawn = visit.console.run("cat /sys/class/graphics/fb0/virtual_size").text.strip()
    assert drawn in (f"{size[0]},{size[1]}", "") or "No such file" in drawn  # or text mode
    assert "login:" in visit.console.get("cat /dev/vcs1 | fold -w 500")


# --- the root and the disc -----------------------------------------------------------------------


def root_is_writable(visit: Visit) -> None:
    assert visit.console.get("echo words >/new-file && cat /new-file") == "words"
    assert visit.console.get("findmnt -no FSTYPE /") == "overlay"
    assert (
        visit.console.run("echo more >>/etc/hosts && rm /bin/ls && ! test -e /bin/ls").status == 0
    )


def cd_is_mounted_read_only(visit: Visit) -> None:
    where = visit.console.get("findmnt -rno SOURCE,FSTYPE,OPTIONS /cdrom").split()
    assert where[1] == "iso9660"
    assert where[2].split(",")[0] == "ro"
    assert visit.console.run("touch /cdrom/x").status != 0
    assert visit.console.get("head -c 1 /cdrom/README.CD").strip()


def booted_from_cd(visit: Visit) -> None:
    assert visit.console.get("findmnt -rno SOURCE /cdrom") == "/dev/sr0"


def booted_from_stick(visit: Visit) -> None:
    assert re.fullmatch(r"/dev/sd[a-z]\d?", visit.console.get("findmnt -rno SOURCE /cdrom"))


def booted_from_a_file(visit: Visit) -> None:
    source = visit.console.get("findmnt -rno SOURCE /cdrom")
    assert re.fullmatch(r"/dev/loop\d+", source)
    assert "xendemo.iso" in visit.console.get(f"cat /sys/block/{source[5:]}/loop/backing_file")


def the_installer_sees_what_lies_on_a_disk(visit: Visit) -> None:
    """The stick's own partition; in use or not, it is the disk's."""
    look = (
        'import sys; sys.path.insert(0, "/usr/lib/xendemo")\n'
        "from xendemo.install.gather import look_at_devices\n"
        "print(*(f'{it.path}={part.path}' for it in look_at_devices() for part in it.children))"
    )
    found = visit.console.get(f"python3 -c {shlex.quote(look)}")
    assert re.search(r"/dev/(sd[a-z])=/dev/\1\d", found), found


def disc_can_be_taken_out(visit: Visit) -> None:
    visit.running.eject(0)
    visit.console.get("sync; echo 3 >/proc/sys/vm/drop_caches")
    # Reads far more than what any cache could still hold.
    visit.console.get("cat /cdrom/live/base.squashfs | cksum", 300)
    visit.console.get("find /usr/bin /usr/lib/systemd -type f -exec cat {} + | cksum", 300)
    assert "I/O error" not in visit.console.get("dmesg")


def secrets_are_made_at_boot(visit: Visit) -> tuple[str, str]:
    """Return the host key and machine id, for a comparison with another boot's."""
    key = visit.console.get("until cat /etc/ssh/ssh_host_ed25519_key.pub; do sleep 2; done")
    assert visit.console.run("test -e /run/democd/layers/base/etc/ssh/ssh_host_ed25519_key").status
    return key.split("\n")[-1].split()[1], visit.console.get("cat /etc/machine-id")


# --- network -------------------------------------------------------------------------------------


def _addresses(console: Console, wanted: str) -> str:
    """Return `ip -br addr`, once it has what is wanted or a minute is over."""
    return console.get(
        f"for i in $(seq 30); do ip -br -4 addr | grep -q '{wanted}' && break; sleep 2; done;"
        " ip -br -4 addr"
    )


def dhcp_gives_an_address(visit: Visit) -> None:
    assert " 10.0.2.15/24" in _addresses(visit.console, "10.0.2.15/24")
    assert "default via 10.0.2.2 " in visit.console.get("ip route") + " "


def ip_option_sets_the_address(visit: Visit) -> None:
    addresses = _addresses(visit.console, "10.0.2.77/24")
    assert " 10.0.2.77/24" in addresses
    assert "10.0.2.15" not in addresses  # and DHCP does not run beside it
    assert "default via 10.0.2.2 " in visit.console.get("ip route") + " "


def link_local_network_is_there(visit: Visit) -> None:
    assert " 169.254.1.0/16" in _addresses(visit.console, "169.254.1.0/16")


def _ssh(visit: Visit, *options: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Try to log in from the network, as somebody who knows the password."""
    ask = visit.folder / "askpass"
    ask.write_text("#!/bin/sh\necho $PASSWORD\n")
    ask.chmod(0o755)
    return subprocess.run(
        [
            "ssh", "-F", "/dev/null", "-p", str(visit.running.port(22)),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=60", *options,
            "root@127.0.0.1", "cat /proc/sys/kernel/hostname; xl list",
        ],
        env={
            "PATH": os.environ["PATH"], "HOME": str(visit.folder), "PASSWORD": password,
            "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force",
        },
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def ssh_answers(visit: Visit) -> None:
    deadline = time.monotonic() + 120
    greeting = b""
    while not greeting.startswith(b"SSH-2.0-") and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", visit.running.port(22)), 30) as link:
                link.settimeout(30)
                greeting = link.recv(100)
        except OSError:
            pass
        time.sleep(1)
    assert greeting.startswith(b"SSH-2.0-OpenSSH")


def ssh_takes_no_password_from_the_network(visit: Visit) -> None:
    offered = _ssh(visit, "-o", "PreferredAuthentications=none")
    assert "Permission denied (publickey)" in offered.stderr
    tried = _ssh(visit, "-o", "PubkeyAuthentication=no", password=PASSWORD)
    assert tried.returncode == 255
    assert "Domain-0" not in tried.stdout


def ssh_takes_the_password_when_told(visit: Visit) -> None:
    wrong = _ssh(visit, "-o", "PubkeyAuthentication=no", password="not-it")
    assert wrong.returncode == 255
    right = _ssh(visit, "-o", "PubkeyAuthentication=no", password=PASSWORD)
    assert "Domain-0" in right.stdout, right.stderr


# --- the medium, while it runs --------------------------------------------------------------------


def a_damage_since_the_boot_is_found(visit: Visit) -> None:
    """It is read anew, through the file system that has the file of the disc, not from memory."""
    check = "cat /cdrom/README.CD >/dev/null; xendemo check README.CD boot/xen.gz"
    good = visit.console.run(check, 120)
    assert good.status == 0, good.text
    assert f"the disc in the file /run/democd/host{ISO_PATH}" in good.text
    _, disk = visit.running.machine.drives
    with flipped(disk.path, visit.console.get("head -n 3 /cdrom/README.CD")):
        bad = visit.console.run(check, 120)
    assert bad.status == 1
    assert "  README.CD (text): is not as it was made" in bad.text
    assert "xen.gz" not in bad.text
    assert visit.console.run(check, 120).status == 0


@contextlib.contextmanager
def flipped(image: Path, text: str) -> Iterator[None]:
    """Damage what begins with a text in the image of a drive, for as long as this lasts."""
    with image.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as data:
        places = [match.start() for match in re.finditer(re.escape(text.encode()), data)]
        assert places
        for at in places:
            data[at] ^= 1
        try:
            yield
        finally:
            for at in places:
                data[at] ^= 1


def the_installer_need_not_check_it_again(visit: Visit) -> None:
    assert (
        visit.console.get("cat /run/democd/checked")
        == (visit.console.get("sha256sum </cdrom/SHA256SUMS").split()[0])
    )


# --- boots that end before a log-in --------------------------------------------------------------


def check_finds_the_disc_whole(visit: Visit) -> None:
    assert "every file on the disc is as it was made" in visit.log.read_text()


def damaged_disc_is_named_and_not_booted(visit: Visit) -> None:
    console = visit.console
    console.expect("THIS DISC IS DAMAGED", 600)
    console.expect(r"init: +live/base\.squashfs[\r\n]", 60)
    console.expect("It is not booted", 60)
    # It stays so: a shell, and no log-in; nor is the end of the shell taken for an answer.
    console.expect("# ", 60)
    console.press("exit\r")
    console.expect("# ", 60)
    console.press("echo $((40 + 2))\r")
    assert console.expect(["42", "login: ", "booting a damaged"], 60).index == 0


def damaged_disc_is_booted_by_the_very_word(visit: Visit) -> None:
    visit.console.press("boot\r")
    visit.console.expect("boot: not found", 60)
    visit.console.press("boot-damaged\r")
    visit.console.expect("booting a damaged disc, as was typed", 60)


def hard_disk_is_started(visit: Visit) -> None:
    visit.console.expect(re.escape(DISK_SAYS), 60)
