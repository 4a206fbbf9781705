"""What the disc's root holds, and above all what it must not: secrets, and traces of the build."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from democd.artifacts import Root
from democd.recipe import WELL_KNOWN_HASH
from tests.support.building import BUILD
from tests.support.trees import Trees

pytestmark = pytest.mark.build

KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64}")
ROLES = ("dom0", "guest", "plain")


def files(trees: Trees) -> Iterator[tuple[Path, bytes]]:
    """Every file of every layer with its content."""
    for path in trees.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(trees.folder), path.read_bytes()


def test_no_private_key_and_no_trace_of_the_build(trees: Trees) -> None:
    builds = [str(BUILD).encode(), b"/mmdebstrap."]
    name = socket.gethostname().encode()
    if len(name) > 8:  # a short one is part of many words
        builds.append(name)
    seen = 0
    for path, content in files(trees):
        seen += 1
        # Libraries test themselves with keys that they are built with.
        assert content[:4] == b"\x7fELF" or not KEY.search(content), path
        for word in builds:
            assert word not in content, f"{path} has {word!r}"
    assert seen > 10_000


@pytest.mark.parametrize(
    "pattern",
    [
        r"etc/ssh/ssh_host_",
        r"var/lib/dbus/machine-id$",
        r"etc/\.resolv\.conf",
        r"var/lib/systemd/(random-seed|credential\.secret)$",
        r"boot/initrd",
        r".*\.(deb|udeb)$",
        r"var/log/.*[^/]\.log|var/log/[bw]tmp",
        r"(tmp|dev|proc|sys)/.|run/(?!lock(/subsys)?$)",
        r".*-(old|dist)$|etc/[a-z]+-$",
        r"var/cache/(apt|debconf|man|ldconfig)/.*\.(bin|dat|db)|var/cache/ldconfig/aux-cache",
        r"var/lib/apt/lists/.",
        r"ARCHIVE-DATE|.*faketime.*|.*\.dpkg-(new|tmp|bak)$",
    ],
)
def test_is_on_no_layer(trees: Trees, pattern: str) -> None:
    is_unwanted = re.compile(pattern).match
    for layer, listing in trees.listings.items():
        links = {name for name, entry in listing.items() if entry.target}
        found = [name for name in listing if is_unwanted(name) and name not in links]
        assert not found, f"{layer}: {found[:5]}"


def test_the_machine_id_is_made_at_boot(trees: Trees) -> None:
    """machine-id(5): an empty file is filled in at the first boot, without waiting for it."""
    assert (trees.folder / "base/etc/machine-id").read_bytes() == b""
    assert not any("etc/machine-id" in trees.listings[layer] for layer in (*ROLES, "common"))


@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_root_and_user_has_a_password(trees: Trees, root: Root, role: str) -> None:
    lines = [line.split(":") for line in trees.in_root(role, "cat /etc/shadow").splitlines()]
    assert {fields[0]: fields[1] for fields in lines if fields[1] not in ("*", "!", "!*")} == {
        "root": WELL_KNOWN_HASH,
        "user": WELL_KNOWN_HASH,
    }
    assert {int(fields[2]) for fields in lines} == {root.date // 86400}
    accounts = trees.in_root(role, "cut -d: -f1 /etc/passwd; pwck -rq; grpck -rq").split()
    assert sorted(accounts) == sorted(fields[0] for fields in lines)
    assert trees.in_root(role, "stat -c '%a %U:%G' /etc/shadow").strip() == "640 root:shadow"
    assert trees.in_root(role, "grep -v '^[^:]*:[*!]*:' /etc/gshadow || true") == ""
    assert trees.in_root(role, "id -u user; stat -c %U /home/user").split() == ["1000", "user"]


def test_the_root_of_the_packages_has_no_shadow_of_its_own(trees: Trees) -> None:
    assert [name for name, files in trees.listings.items() if "etc/shadow" in files] == ["common"]


@pytest.mark.parametrize("path", ["etc/hostname", "etc/resolv.conf", "etc/hosts"])
def test_names_and_addresses_are_the_discs_own(trees: Trees, path: str, project: Path) -> None:
    assert "etc/hostname" not in trees.listings["base"]
    assert "etc/resolv.conf" not in trees.listings["base"]
    own = project / "overlays/common" / path
    kept = trees.folder / "common" / path
    if own.is_symlink():
        assert kept.readlink() == own.readlink()
    else:
        assert kept.read_bytes() == own.read_bytes()


def test_nothing_is_younger_than_the_archive(trees: Trees, root: Root) -> None:
    date = datetime.fromtimestamp(root.date, UTC).strftime("%Y-%m-%d %H:%M")
    for layer, listing in trees.listings.items():
        young = [name for name, entry in listing.items() if entry.time > date]
        assert not young, f"{layer}: {young[:5]}"
    assert trees.listings["base"][""].time == date  # its folders were made in the build


def test_owners_and_modes_are_those_of_debian(trees: Trees) -> None:
    base = trees.listings["base"]
    assert base["usr/bin/su"].mode == "-rwsr-xr-x"
    assert base["tmp"].mode == "drwxrwxrwt"
    assert base["etc/gshadow"].mode == "-rw-r-----"
    assert (base["etc/gshadow"].uid, base["etc/gshadow"].gid) == (0, 42)
    assert (base["home/user"].uid, base["home/user"].mode) == (1000, "drwx------")
    assert {entry.uid for entry in base.values()} > {0, 1000}


def test_overlays_are_roots_and_for_everybody_to_read(trees: Trees) -> None:
    for layer in ("common", *ROLES):
        for name, entry in trees.listings[layer].items():
            special = (layer, name) == ("common", "etc/shadow")
            assert entry.uid == 0
            assert special or entry.gid == 0, name
            kinds = "drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx"
            assert special or re.fullmatch(kinds, entry.mode), f"{layer}/{name} {entry.mode}"


# --- sshd ----------------------------------------------------------------------------------------

SSHD = """
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
"""
OUTSIDE = "addr=10.0.0.1,laddr=10.0.0.2"
LINK = "addr=169.254.1.1,laddr=169.254.1.0"  # a domain asks dom0
FORGED = "addr=169.254.1.1,laddr=10.0.0.2"  # a stranger with a domain's address


def answers(trees: Trees, role: str, who: str, before: str = "") -> dict[str, str]:
    """What sshd would do for a connection: its own answer (`sshd -T`), by keyword."""
    ask = f"{SSHD}\n{before}\nsshd -T -C user=root,host=x,lport=22,{who}"
    lines = trees.in_root(role, ask).splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


@pytest.mark.parametrize(
    ("role", "who", "passwords"),
    [
        ("dom0", OUTSIDE, "no"),
        ("dom0", FORGED, "no"),
        ("dom0", "addr=169.254.9.9,laddr=169.254.9.8", "no"),  # a network card's own link
        ("dom0", LINK, "yes"),
        ("guest", OUTSIDE, "no"),
        ("guest", "addr=169.254.1.0,laddr=169.254.1.1", "yes"),
        ("plain", OUTSIDE, "no"),
        ("plain", LINK, "no"),
    ],
)
def test_who_is_asked_for_a_password(trees: Trees, role: str, who: str, passwords: str) -> None:
    told = answers(trees, role, who)
    assert told["passwordauthentication"] == passwords
    assert told["kbdinteractiveauthentication"] == "no"
    assert told["permitemptypasswords"] == "no"
    assert told["pubkeyauthentication"] == "yes"


def test_ssh_password_at_the_boot_menu_opens_it(trees: Trees) -> None:
    service = trees.in_root("dom0", "cat /etc/systemd/system/ssh-password.service")
    act = re.search(r"^ExecStart=(.*)$", service, re.MULTILINE)
    assert act
    before = f"mkdir -p /run/xendemo\n{act[1]}"
    assert answers(trees, "dom0", OUTSIDE, before)["passwordauthentication"] == "yes"
