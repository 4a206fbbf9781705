"""A guest's network from its command line: what guest-network does for which words."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.support.building import PROJECT

SCRIPT = PROJECT / "overlays/guest/usr/lib/xendemo/guest-network"
BUSYBOX = shutil.which("busybox") or next(
    map(str, PROJECT.glob("build/steps/root-*/parts/usr/bin/busybox")), ""
)
SHELLS = (
    pytest.param(["dash"], marks=pytest.mark.skipif(not shutil.which("dash"), reason="no dash")),
    pytest.param(
        [BUSYBOX, "ash"], marks=pytest.mark.skipif(not BUSYBOX, reason="no busybox"), id="busybox"
    ),
)
GUEST = "ip=10.84.0.1::169.254.1.0:255.255.255.255:guest1:eth0:off:169.254.1.0"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return list(request.param)


def plan(shell: list[str], *words: str) -> tuple[list[str], str]:
    """Return what would be done, a line each, and what was complained of."""
    done = subprocess.run(
        [*shell, SCRIPT, "-n", *words], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines(), done.stderr


def test_a_guest_of_ours(shell: list[str]) -> None:
    words = ["console=hvc0", "role=guest", GUEST, "LINKLOCAL=169.254.1.1"]
    assert plan(shell, *words) == (
        [
            "link set lo up",
            "link set eth0 up",
            "addr add 10.84.0.1/32 dev eth0",
            "addr add 169.254.1.1/32 dev eth0",
            "route add 169.254.1.0 dev eth0 src 169.254.1.1",
            "route add 169.254.0.0/16 via 169.254.1.0 dev eth0 src 169.254.1.1",
            "route add default via 169.254.1.0 dev eth0 src 10.84.0.1",
            "nameserver 169.254.1.0",
            "host guest1",
        ],
        "",
    )


def test_further_addresses(shell: list[str]) -> None:
    more = ["ip=10.84.7.1:::255.255.255.255::eth0:off", "ip=192.0.2.9:::255.255.255.255::eth0:off"]
    lines, _ = plan(shell, "LINKLOCAL=169.254.1.1", GUEST, *more)
    assert [line for line in lines if line.startswith("addr")] == [
        "addr add 10.84.0.1/32 dev eth0",
        "addr add 10.84.7.1/32 dev eth0",
        "addr add 192.0.2.9/32 dev eth0",
        "addr add 169.254.1.1/32 dev eth0",
    ]
    assert lines.count("link set eth0 up") == 1
    assert [line for line in lines if "default" in line] == [
        "route add default via 169.254.1.0 dev eth0 src 10.84.0.1"
    ]


def test_a_link_local_address_alone(shell: list[str]) -> None:
    assert plan(shell, "LINKLOCAL=169.254.1.7")[0] == [
        "link set lo up",
        "link set eth0 up",
        "addr add 169.254.1.7/32 dev eth0",
        "route add 169.254.1.0 dev eth0 src 169.254.1.7",
        "route add 169.254.0.0/16 via 169.254.1.0 dev eth0 src 169.254.1.7",
    ]


def test_an_ordinary_network(shell: list[str]) -> None:
    """As README.CD writes it for dom0: the gateway is near."""
    lines, _ = plan(
        shell, "ip=192.168.1.10::192.168.1.1:255.255.254.0::eth1:off:192.168.1.2:1.1.1.1"
    )
    assert lines == [
        "link set lo up",
        "link set eth1 up",
        "addr add 192.168.1.10/23 dev eth1",
        "route add default via 192.168.1.1 dev eth1 src 192.168.1.10",
        "nameserver 192.168.1.2",
        "nameserver 1.1.1.1",
    ]


def test_a_gateway_beyond_the_netmask(shell: list[str]) -> None:
    lines, _ = plan(shell, "ip=10.0.0.5::10.0.0.1")
    assert lines[-3:] == [
        "addr add 10.0.0.5/32 dev eth0",
        "route add 10.0.0.1 dev eth0",
        "route add default via 10.0.0.1 dev eth0 src 10.0.0.5",
    ]


@pytest.mark.parametrize("words", [[], ["ip=off"], ["ip=none"], ["ipaddr=10.0.0.1"]])
def test_no_network(shell: list[str], words: list[str]) -> None:
    assert plan(shell, "console=hvc0", *words) == (["link set lo up"], "")


@pytest.mark.parametrize("word", ["ip=dhcp", "ip=::::guest1:eth0:dhcp", "ip=one::two"])
def test_what_names_no_address_is_complained_of(shell: list[str], word: str) -> None:
    lines, complaint = plan(shell, word)
    assert lines == ["link set lo up"]
    assert word in complaint


@pytest.mark.parametrize(
    ("netmask", "bits"),
    [("255.255.255.0", 24), ("255.255.0.0", 16), ("255.255.255.248", 29), ("0.0.0.0", 0), ("", 32)],
)
def test_netmask(shell: list[str], netmask: str, bits: int) -> None:
    assert plan(shell, f"ip=10.0.0.5:::{netmask}")[0][2] == f"addr add 10.0.0.5/{bits} dev eth0"
