"""What `xendemo` reads of the machine: recorded outputs, and real files."""

from __future__ import annotations

import os
import struct
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.support import xendemo_recorded as recorded
from xendemo import domains, facts, listing, shutdown
from xendemo.errors import InputError, Mistakes


def test_xl_info() -> None:
    host = facts.read_info(recorded.INFO)
    assert (host.free, host.total, host.cpus) == (414, 1199, 1)
    assert host.virt_caps == {"pv", "hvm", "gnttab-v1", "gnttab-v2"}


def test_xl_list() -> None:
    assert facts.read_list(recorded.LIST) == (
        facts.Domain(0, "Domain-0", 512, 1, "r-----"),
        facts.Domain(12, "guest1", 96, 2, "------"),
        facts.Domain(13, "stock", 96, 1, "-b----"),
    )
    odd = "Name ID Mem VCPUs State Time(s)\nmy old 7 VM 3 64 1 ---s-- 0.1\n(null) 4 0 1 --psc- 1.0"
    assert [domain.name for domain in facts.read_list(odd)] == ["my old 7 VM", "(null)"]


def test_vifs() -> None:
    assert facts.read_vifs(recorded.VIFS) == {
        12: (IPv4Address("10.84.0.1"), IPv4Address("169.254.1.1"))
    }
    none = "xenstore-ls: xs_directory (/local/domain/0/backend/vif): No such file or directory\n"
    assert facts.read_vifs(none) == {}
    by_hand = '/local/domain/0/backend/vif/3/0/ip = "dhcp fe80::1 10.0.0.9"\n'
    assert facts.read_vifs(by_hand) == {3: (IPv4Address("10.0.0.9"),)}


def test_domain_0s_addresses() -> None:
    assert [(card, str(own)) for card, own in facts.read_addresses(recorded.ADDRESSES)] == [
        ("lo", "127.0.0.1/8"), ("xenlink", "169.254.1.0/16"), ("eth0", "10.0.2.15/24"),
    ]  # fmt: skip


def test_memory_and_disc() -> None:
    assert facts.read_available(recorded.MEMINFO) == 318
    assert facts.read_available("") == 0
    assert facts.read_disc(recorded.DISC) == "/dev/sr0"
    assert facts.read_disc("") == ""
    mounts = (
        "/dev/sda3 / ext4 rw 0 0\n/dev/loop0 /cdrom iso9660 ro,relatime 0 0\nx /cdrom2 t o 0 0\n"
    )
    assert facts.read_mounted(mounts) == "/dev/loop0"
    assert facts.read_mounted("") == ""


def test_how_much_a_kernel_needs_to_start() -> None:
    header = bytearray(1024)
    assert facts.read_room(bytes(header)) == 0
    header[0x202:0x208] = b"HdrS" + bytes([0x0F, 2])
    struct.pack_into("<QI", header, 0x258, 0x1000000, 0x37DE000)  # Debian 13's cloud kernel
    assert facts.read_room(bytes(header)) == 72
    header[0x206] = 9  # a protocol that does not tell
    assert facts.read_room(bytes(header)) == 0
    assert facts.read_room(b"MZ") == 0


def test_the_descriptor_is_read_past_the_page_cache(tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    disc.write_bytes(bytes(facts.DESCRIPTOR) + b"\x01CD001" + bytes(4090))
    try:
        os.close(os.open(disc, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        pytest.skip("this file system has no O_DIRECT")
    assert facts.read_descriptor(str(disc))[:6] == b"\x01CD001"
    assert len(facts.read_descriptor(str(disc))) == facts.SECTOR


@pytest.mark.skipif(Path("/sys/hypervisor/type").exists(), reason="this machine runs under Xen")
def test_a_machine_without_xen() -> None:
    with pytest.raises(facts.Failure, match="Xen is not running"):
        facts.require_dom0()


def entries(nat: bool) -> list[dict[str, object]]:
    return listing.entries(
        facts.read_list(recorded.LIST), listing.read_types(recorded.LIST_LONG),
        facts.read_vifs(recorded.VIFS), nat,
    )  # fmt: skip


def test_the_table_of_domains() -> None:
    assert listing.as_table(entries(nat=True)).splitlines() == [
        "NAME      ID  MEMORY  VCPUS  STATE    TYPE  SSH PORT  ADDRESSES",
        "Domain-0  0   512     1      running  pv",
        "guest1    12  96      2      ready    pv    2212      10.84.0.1 169.254.1.1",
        "stock     13  96      1      idle     pv",
    ]


def test_the_table_for_programs() -> None:
    assert entries(nat=True)[1] == {
        "name": "guest1", "id": 12, "memory": 96, "vcpus": 2, "state": "ready", "type": "pv",
        "ssh_port": 2212, "addresses": ["10.84.0.1", "169.254.1.1"],
    }  # fmt: skip
    assert entries(nat=False)[1]["ssh_port"] is None


@pytest.mark.parametrize(
    ("letters", "word"),
    [("r-----", "running"), ("-b----", "idle"), ("------", "ready"), ("--p---", "paused"),
     ("---s--", "shut down"), ("----c-", "crashed"), ("-b---d", "ending"), ("---sc-", "crashed")],
)  # fmt: skip
def test_states(letters: str, word: str) -> None:
    assert listing.state(letters) == word


THERE = facts.read_list(recorded.LIST)


def test_domains_are_named_by_name_or_id() -> None:
    assert [domain.id for domain in domains.chosen(["stock", "12"], False, THERE)] == [13, 12]
    assert [domain.id for domain in domains.chosen(["stock", "13"], False, THERE)] == [13]
    assert [domain.id for domain in domains.chosen([], True, THERE)] == [12, 13]
    assert domains.chosen([], True, THERE[:1]) == []


def test_wrong_names_are_told_at_once_and_domain_0_is_spared() -> None:
    with pytest.raises(Mistakes) as caught:
        domains.chosen(["gest1", "stock", "Domain-0", "0", "99"], False, THERE)
    assert caught.value.pairs == [
        ("there is no domain gest1", "did you mean guest1? known: guest1, stock"),
        ("domain 0 is this very system", "to end it: poweroff, or reboot"),
        ("domain 0 is this very system", "to end it: poweroff, or reboot"),
        ("there is no domain 99", "known: guest1, stock"),
    ]


@pytest.mark.parametrize(("words", "everybody"), [([], False), (["guest1"], True)])
def test_nothing_or_too_much_is_named(words: list[str], everybody: bool) -> None:
    with pytest.raises(InputError):
        domains.chosen(words, everybody, THERE)


def test_the_way_in_by_ssh() -> None:
    vifs = facts.read_vifs(recorded.VIFS)
    assert domains.linklocal(THERE[1], vifs) == IPv4Address("169.254.1.1")
    with pytest.raises(InputError, match="stock has no link-local address"):
        domains.linklocal(THERE[2], vifs)


def test_who_is_gone_after_a_shutdown() -> None:
    assert shutdown.gone([12, 13], {0, 13}) == [12]
