"""Who gets which IPv4 address: pure decisions from what is asked for and what is taken.

Domain 0 is 169.254.1.0. Every other domain has a link-local address of 169.254.1.1 and up, and one
or more ordinary ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

DOM0 = IPv4Address("169.254.1.0")
AUTO = "auto"
LINK_LOCAL = IPv4Network("169.254.0.0/16")
FIRST = IPv4Address("169.254.1.1")
LAST = IPv4Address("169.254.254.254")  # 169.254.255.* is reserved (RFC 3927, 2.1)
DOTTED = re.compile(r"[0-9.]+")
HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
REMEDY = "write dotted IPv4 addresses or host names, comma between: -D ip=192.168.1.40,db.lan"

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Situation:
    """What there is already.

    Args:
        taken: whose an address is, for all domains but domain 0.
        own: domain 0's addresses with their networks, and the names of their cards.
        ranges: where addresses are handed out from, by preference.
        hosts: what host names stand for; None if nobody knows.
    """

    taken: Mapping[IPv4Address, str]
    own: Sequence[tuple[str, IPv4Interface]]
    ranges: Sequence[IPv4Network]
    hosts: Mapping[str, IPv4Address | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """The addresses of one domain."""

    ordinary: tuple[IPv4Address, ...]
    linklocal: IPv4Address


def words_of(text: str) -> list[str]:
    """Return what the variable `ip` asks for, one word an address."""
    return [word.strip() for word in text.split(",")]


def host_names(words: Sequence[str]) -> list[str]:
    """Return the words that must be looked up."""
    return [word for word in words if word != AUTO and HOST.fullmatch(word)
            and not DOTTED.fullmatch(word)]  # fmt: skip


def share_out(
    words: Sequence[str], names: Sequence[str], now: Situation, mistakes: Pairs
) -> list[Share]:
    """Return the addresses of new domains.

    Args:
        words: of the variable `ip`; an address is that of the first, the next domain has the next.
        names: of the new domains.
        now: what there is.
        mistakes: where (what is wrong, what to do) is put.

    Returns:
        A share for each name, or [] if there was a mistake.
    """
    before = len(mistakes)
    firsts = [_read(word, now, mistakes) for word in words]
    links = [first for first in firsts if first and first in LINK_LOCAL]
    if len(links) > 1:
        mistakes.append(("two link-local addresses for one domain", "write one 169.254.x.y"))
    if len(mistakes) > before:
        return []
    link = links[0] if links else None
    wanted = [first for first in firsts if first not in links]
    if not wanted:
        wanted.append(None)  # a link-local address alone: the ordinary one comes by itself
    # What is asked for by number goes first, so that nothing else is handed out from under it.
    taken = dict(now.taken)
    given = [
        [_claim(first, step, name, taken, now, mistakes) for first in (*wanted, link)]
        for step, name in enumerate(names)
    ]
    pool, link_pool = _pool(now, taken, mistakes, None in wanted), _links(taken, now)
    shares = []
    for name, (*row, own_link) in zip(names, given, strict=True):
        if len(mistakes) > before:
            break
        ordinary = (address or _next(pool, name, taken, now.ranges, mistakes) for address in row)
        shares.append(
            Share(
                tuple(ordinary),
                own_link or _next(link_pool, name, taken, [LINK_LOCAL], mistakes),
            )
        )
    return [] if len(mistakes) > before else shares


def why_not(address: IPv4Address) -> str:
    """Return why no domain can ever have an address, or ""."""
    if address == DOM0:
        return "is domain 0's on the link to its domains"
    if address in LINK_LOCAL:
        inside = FIRST <= address <= LAST and address.packed[3] not in (0, 255)
        return "" if inside else f"is no link-local address for a domain ({FIRST} to {LAST})"
    if address.is_loopback:
        return "is a loopback address"
    if address.is_multicast:
        return "is a multicast address"
    if address.packed[0] == 0:
        return "stands for no host"
    return "is reserved, or broadcast" if address.packed[0] >= 240 else ""


def mac(linklocal: IPv4Address) -> str:
    """Return the hardware address that goes with a link-local address (00:16:3e is Xen's)."""
    return "00:16:3e:fe:{:02x}:{:02x}".format(*linklocal.packed[2:])


def _read(word: str, now: Situation, mistakes: Pairs) -> IPv4Address | None:
    """Return the address of a word; None if it is `auto` or wrong."""
    if word == AUTO:
        return None
    if DOTTED.fullmatch(word):
        try:
            return IPv4Address(word)
        except ValueError:
            mistakes.append((f"'{word}' is no IPv4 address", REMEDY))
    elif ":" in word:
        mistakes.append((f"'{word}': domains have IPv4 addresses only", REMEDY))
    elif not HOST.fullmatch(word):
        mistakes.append((f"'{word}' is neither an address nor a host name", REMEDY))
    elif now.hosts.get(word) is None:
        mistakes.append((f"nobody knows the host name {word}", f"is the network up? {REMEDY}"))
    else:
        return now.hosts[word]
    return None


def _claim(
    first: IPv4Address | None, step: int, name: str, taken: dict[IPv4Address, str], now: Situation,
    mistakes: Pairs,
) -> IPv4Address | None:  # fmt: skip
    """Return the address of the domain number `step`, counted from a given first one, if any."""
    if first is None or (step and why_not(first)):
        return None
    address = _after(first, step)
    for_whom = f"{address}{f' ({name})' if step else ''}"
    reason = why_not(address) or _clash(address, now)
    if reason:
        mistakes.append((f"{for_whom} {reason}", "take another address, or auto"))
    elif address in taken:
        whose = f"is taken by {taken[address]}"
        if address not in now.taken:
            whose = "is asked for twice" if taken[address] == name else f"goes to {taken[address]}"
        mistakes.append((f"{for_whom} {whose}", "take another address, or auto"))
    taken.setdefault(address, name)
    return address


def _after(first: IPv4Address, step: int) -> IPv4Address:
    """Return the address some steps further; link-local ones that end in 0 or 255 do not count."""
    if first not in LINK_LOCAL or not step:
        return first + step if int(first) + step < 1 << 32 else IPv4Address("255.255.255.255")
    block, number = divmod((int(first) >> 8) * 254 + (int(first) & 255) - 1 + step, 254)
    return IPv4Address((block << 8) + number + 1)


def _clash(address: IPv4Address, now: Situation) -> str:
    """Return why an address cannot be used on this machine, or ""."""
    for card, own in now.own:
        if address == own.ip:
            return f"is domain 0's own ({card})"
    networks = [*((f"{card}'s", own.network) for card, own in now.own),
                *((f"{network}'s", network) for network in now.ranges)]  # fmt: skip
    for whose, network in networks:
        if network.prefixlen < 31 and address in (network[0], network[-1]):
            kind = "network" if address == network[0] else "broadcast"
            return f"is {whose} {kind} address"
    return ""


def _pool(
    now: Situation, taken: Mapping[IPv4Address, str], mistakes: Pairs, wanted: bool
) -> Iterator[IPv4Address]:
    """Return the addresses to hand out, from the first range that is no network of domain 0."""
    for network in now.ranges:
        if not any(network.overlaps(own.network) for _, own in now.own):
            return (address for address in network.hosts() if address not in taken)
    if wanted:
        listed = ", ".join(str(network) for network in now.ranges)
        mistakes.append((
            f"no addresses to hand out: domain 0 is in a network that overlaps {listed}",
            "give one with -D ip=, or set [network] addresses in the settings",
        ))  # fmt: skip
    return iter(())


def _links(taken: Mapping[IPv4Address, str], now: Situation) -> Iterator[IPv4Address]:
    own = {item.ip for _, item in now.own}
    for number in range(int(FIRST), int(LAST) + 1):
        address = IPv4Address(number)
        if not why_not(address) and address not in taken and address not in own:
            yield address


def _next(
    pool: Iterator[IPv4Address], name: str, taken: dict[IPv4Address, str],
    ranges: Sequence[IPv4Network], mistakes: Pairs,
) -> IPv4Address:  # fmt: skip
    """Return the next address that is free, and take it."""
    address = next(pool, None)
    if address is None:
        listed = ", ".join(str(network) for network in ranges)
        used = sum(any(address in network for network in ranges) for address in taken)
        mistakes.append((
            f"no address is left for {name}: {used} are in use, of {listed}",
            "destroy domains, give one with -D ip=, or set [network] addresses",
        ))  # fmt: skip
        return DOM0  # of no use, as there is a mistake
    taken[address] = name
    return address
