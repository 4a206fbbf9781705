"""Who gets which address: in sequence, or by number; and what is refused."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from xendemo.addresses import Pairs, Share, Situation, host_names, mac, share_out

RANGE = IPv4Network("10.84.0.0/16")
OWN = (
    ("lo", IPv4Interface("127.0.0.1/8")),
    ("xenlink", IPv4Interface("169.254.1.0/16")),
    ("eth0", IPv4Interface("192.168.1.7/24")),
)


def situation(
    taken: dict[str, str] | None = None,
    ranges: tuple[IPv4Network, ...] = (RANGE,),
    hosts: dict[str, str] | None = None,
    own: tuple[tuple[str, IPv4Interface], ...] = OWN,
) -> Situation:
    return Situation(
        {IPv4Address(address): name for address, name in (taken or {}).items()},
        own,
        ranges,
        {name: IPv4Address(ip) if ip else None for name, ip in (hosts or {}).items()},
    )  # fmt: skip


def given(words: str, names: str = "guest1", now: Situation | None = None) -> list[str]:
    """The addresses of each domain as `ordinary … / link-local`."""
    mistakes: Pairs = []
    shares = share_out(words.split(","), names.split(), now or situation(), mistakes)
    assert mistakes == []
    return [as_text(share) for share in shares]


def as_text(share: Share) -> str:
    return f"{' '.join(map(str, share.ordinary))} / {share.linklocal}"


def refused(words: str, names: str = "guest1", now: Situation | None = None) -> Pairs:
    mistakes: Pairs = []
    assert share_out(words.split(","), names.split(), now or situation(), mistakes) == []
    return mistakes


def test_addresses_are_handed_out_in_sequence() -> None:
    assert given("auto", "a b c") == [
        "10.84.0.1 / 169.254.1.1", "10.84.0.2 / 169.254.1.2", "10.84.0.3 / 169.254.1.3",
    ]  # fmt: skip


def test_the_lowest_that_is_free_is_next() -> None:
    now = situation({"10.84.0.1": "x", "169.254.1.1": "x", "10.84.0.3": "y", "169.254.1.3": "y"})
    assert given("auto", "a b", now) == ["10.84.0.2 / 169.254.1.2", "10.84.0.4 / 169.254.1.4"]


def test_2004s_example() -> None:
    assert given("128.23.45.34,169.254.1.1") == ["128.23.45.34 / 169.254.1.1"]


def test_several_addresses_and_auto_among_them() -> None:
    assert given("auto,192.168.1.5") == ["10.84.0.1 192.168.1.5 / 169.254.1.1"]
    assert given("auto,auto") == ["10.84.0.1 10.84.0.2 / 169.254.1.1"]


def test_a_link_local_address_alone_leaves_the_ordinary_one_to_us() -> None:
    assert given("169.254.9.9") == ["10.84.0.1 / 169.254.9.9"]


def test_an_address_is_that_of_the_first_of_several() -> None:
    assert given("192.168.1.40,169.254.1.253", "a b c") == [
        "192.168.1.40 / 169.254.1.253", "192.168.1.41 / 169.254.1.254",
        "192.168.1.42 / 169.254.2.1",
    ]  # fmt: skip


def test_what_is_asked_for_is_not_handed_out() -> None:
    assert given("auto,10.84.0.2", "a b") == [
        "10.84.0.1 10.84.0.2 / 169.254.1.1", "10.84.0.4 10.84.0.3 / 169.254.1.2",
    ]  # fmt: skip


def test_link_local_addresses_do_not_end_in_0_or_255() -> None:
    taken = {f"169.254.1.{number}": "x" for number in range(1, 255)}
    assert given("auto", now=situation(taken)) == ["10.84.0.1 / 169.254.2.1"]


def test_a_thousand_domains_have_addresses() -> None:
    shares = given("auto", " ".join(f"g{number}" for number in range(1000)))
    assert len(set(shares)) == 1000
    assert shares[-1] == "10.84.3.232 / 169.254.4.238"


def test_host_names() -> None:
    now = situation(hosts={"db.lan": "192.168.1.9", "nobody.lan": ""})
    assert given("db.lan", now=now) == ["192.168.1.9 / 169.254.1.1"]
    [(what, remedy)] = refused("nobody.lan", now=now)
    assert "nobody.lan" in what
    assert "is the network up?" in remedy
    assert host_names(["auto", "10.0.0.1", "db.lan", "fe80::1", "a b", "10.1"]) == ["db.lan"]


def test_a_range_that_domain_0_is_in_is_passed_over() -> None:
    own = (("eth0", IPv4Interface("10.1.2.3/8")),)
    ranges = (RANGE, IPv4Network("172.31.84.0/24"))
    assert given("auto", now=situation(own=own, ranges=ranges)) == ["172.31.84.1 / 169.254.1.1"]
    [(what, remedy)] = refused("auto", now=situation(own=own))
    assert "overlaps 10.84.0.0/16" in what
    assert "[network] addresses" in remedy
    assert given("10.84.0.9", now=situation(own=own)) == ["10.84.0.9 / 169.254.1.1"]


def test_a_range_can_be_used_up() -> None:
    now = situation({"10.9.0.1": "x"}, (IPv4Network("10.9.0.0/30"),))
    assert given("auto", now=now) == ["10.9.0.2 / 169.254.1.1"]
    [(what, remedy)] = refused("auto", "a b", now)
    assert what.startswith("no address is left for b: 2 are in use, of 10.9.0.0/30")
    assert "-D ip=" in remedy


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("10.84.0.300", "'10.84.0.300' is no IPv4 address"),
        ("10.1", "'10.1' is no IPv4 address"),
        ("010.1.1.1", "'010.1.1.1' is no IPv4 address"),
        ("1.2.3.4.", "'1.2.3.4.' is no IPv4 address"),
        ("fe80::1", "'fe80::1': domains have IPv4 addresses only"),
        ("a b", "'a b' is neither an address nor a host name"),
        ("-x", "'-x' is neither an address nor a host name"),
        ("0.0.0.0", "0.0.0.0 stands for no host"),
        ("0.1.2.3", "0.1.2.3 stands for no host"),
        ("127.0.0.2", "127.0.0.2 is a loopback address"),
        ("224.0.0.1", "224.0.0.1 is a multicast address"),
        ("250.0.0.1", "250.0.0.1 is reserved, or broadcast"),
        ("255.255.255.255", "255.255.255.255 is reserved, or broadcast"),
        ("169.254.1.0", "169.254.1.0 is domain 0's on the link"),
        ("169.254.0.5", "169.254.0.5 is no link-local address for a domain"),
        ("169.254.255.5", "169.254.255.5 is no link-local address for a domain"),
        ("169.254.3.255", "169.254.3.255 is no link-local address for a domain"),
        ("169.254.3.0", "169.254.3.0 is no link-local address for a domain"),
        ("192.168.1.7", "192.168.1.7 is domain 0's own (eth0)"),
        ("192.168.1.0", "192.168.1.0 is eth0's network address"),
        ("192.168.1.255", "192.168.1.255 is eth0's broadcast address"),
        ("10.84.0.0", "10.84.0.0 is 10.84.0.0/16's network address"),
        ("10.84.255.255", "10.84.255.255 is 10.84.0.0/16's broadcast address"),
        ("10.84.0.9", "10.84.0.9 is taken by db"),
        ("169.254.1.9", "169.254.1.9 is taken by db"),
        ("10.0.0.1,10.0.0.1", "10.0.0.1 is asked for twice"),
        ("169.254.1.1,169.254.1.2", "two link-local addresses for one domain"),
    ],
)
def test_what_is_refused(words: str, what: str) -> None:
    [(told, remedy)] = refused(words, now=situation({"10.84.0.9": "db", "169.254.1.9": "db"}))
    assert told.startswith(what)
    assert remedy


def test_all_that_is_wrong_with_addresses_is_told_at_once() -> None:
    assert len(refused("300.1.1.1,fe80::1,a b")) == 3
    assert len(refused("127.0.0.1,10.84.0.0")) == 2


def test_a_sequence_that_runs_into_what_is_taken() -> None:
    now = situation({"192.168.1.41": "db"})
    [(what, _)] = refused("192.168.1.40", "a b", now)
    assert what == "192.168.1.41 (b) is taken by db"
    [(what, _)] = refused("10.0.0.1,10.0.0.2", "a b")
    assert what == "10.0.0.2 (b) goes to a"
    [(what, _)] = refused("192.168.1.254", "a b")
    assert what.startswith("192.168.1.255 (b) is eth0's broadcast address")


def test_the_hardware_address_is_xens_and_follows_the_link_local_one() -> None:
    assert mac(IPv4Address("169.254.1.1")) == "00:16:3e:fe:01:01"
    assert mac(IPv4Address("169.254.31.254")) == "00:16:3e:fe:1f:fe"
