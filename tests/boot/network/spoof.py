"""Forges packets, and counts those that arrive. Runs as root, in a guest or dom0, on Python alone.

    spoof.py send NAME [OPTION VALUE]… [+ NAME …]      five packets that bear NAME, 1-10 letters
    spoof.py count SECONDS [--card CARD] [--until NAME]     JSON: how many came of each NAME, and
                                                       of `arp-answer`, whose sender is not dom0;
                                                       ends a second after the NAME of --until

What is not said is honest: this machine's own addresses, by way of the neighbour on a vif.

    --kind ip|arp-request|arp-reply|ipv6     ip is an ICMP echo request; ipv6 one to everybody
    --card CARD                              eth0
    --source-mac MAC, --source ADDRESS       who claims to send: Ethernet, and IPv4 or ARP
    --target-mac MAC, --target ADDRESS       fe:ff:ff:ff:ff:ff (every vif), 169.254.1.0 (dom0)
    --arp-mac MAC                            the sender's MAC inside ARP, if not --source-mac
    --vlan NUMBER                            with a tag of 802.1Q; 0 is a priority alone

With --card, `count` sees every frame that reaches the card. In dom0 that is before nftables has
dropped any; without --card it counts what has come through to IPv4 (echo requests only).

So, guest 2 being the victim: there run `count 90 --card eth0 --until last`; in guest 1 run
`send honest --target 10.84.0.2 + forged --target 10.84.0.2 --source 10.84.0.2 + last --target
10.84.0.2`. The count must say {"honest": 5, "last": 5}.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

TIMES = 5
IPV4, ARP, IPV6, VLAN = 0x0800, 0x0806, 0x86DD, 0x8100
EVERYTHING = 0x0003  # ETH_P_ALL
OUTGOING = 4  # PACKET_OUTGOING
EVERYBODY = "ff:ff:ff:ff:ff:ff"
VIF = "fe:ff:ff:ff:ff:ff"
DOM0 = "169.254.1.0"


def mark(name: str) -> bytes:
    """Return what a packet of that name bears; 18 bytes, which ARP has room for as padding."""
    return f"<spoof:{name}>".encode().ljust(18, b".")[:20]


def mark_in(frame: bytes) -> str:
    """Return the name that a packet bears, or ""."""
    _, found, rest = frame.partition(b"<spoof:")
    return rest.partition(b">")[0].decode("ascii", "replace") if found else ""


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(name: str, kind: int = 8, pseudo: bytes = b"") -> bytes:
    """Return an ICMP echo request: type, code, checksum, id, sequence number, data (RFC 792)."""
    rest = struct.pack(">HH", 0x5EED, 1) + mark(name)
    total = checksum(pseudo + struct.pack(">BBH", kind, 0, 0) + rest)
    return struct.pack(">BBH", kind, 0, total) + rest


def ipv4(source: str, target: str, name: str) -> bytes:
    """Return an IPv4 packet with an echo request (RFC 791, 3.1)."""
    data = echo_request(name)
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(data), 0x5EED, 0, 64, 1)
    return head + struct.pack(">H", checksum(head + b"\0\0" + ends)) + ends + data


def ipv6(name: str) -> bytes:
    """Return an ICMPv6 echo request from fe80::5eed to all nodes (RFC 8200, 3; RFC 4443, 4.1)."""
    ends = socket.inet_pton(socket.AF_INET6, "fe80::5eed")
    ends += socket.inet_pton(socket.AF_INET6, "ff02::1")
    length = len(echo_request(name))
    data = echo_request(name, 128, ends + struct.pack(">II", length, 58))
    return struct.pack(">IHBB", 6 << 28, length, 58, 255) + ends + data


def arp(operation: int, sender_mac: str, sender: str, target: str, name: str) -> bytes:
    """Return an ARP packet (RFC 826) for Ethernet and IPv4, with the name as its padding."""
    return (
        struct.pack(">HHBBH", 1, IPV4, 6, 4, operation)
        + raw(sender_mac)
        + socket.inet_aton(sender)
        + raw("00:00:00:00:00:00")
        + socket.inet_aton(target)
        + mark(name)
    )


def raw(mac: str) -> bytes:
    """Return a MAC address as bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def frame(name: str, said: dict[str, str]) -> bytes:
    """Return the whole Ethernet frame, with what was said in place of what is honest."""
    card, kind = said.get("card", "eth0"), said.get("kind", "ip")
    target = said.get("target", DOM0)
    source = said["source"] if "source" in said else own_address(target)
    own = Path(f"/sys/class/net/{card}/address").read_text().strip()
    source_mac = said.get("source-mac", own)
    if kind == "ip":
        target_mac, protocol, packet = VIF, IPV4, ipv4(source, target, name)
    elif kind == "ipv6":
        target_mac, protocol, packet = "33:33:00:00:00:01", IPV6, ipv6(name)
    else:
        operation = {"arp-request": 1, "arp-reply": 2}[kind]
        arp_mac = said.get("arp-mac", source_mac)
        target_mac, protocol = EVERYBODY, ARP
        packet = arp(operation, arp_mac, source, target, name)
    head = raw(said.get("target-mac", target_mac)) + raw(source_mac)
    if "vlan" in said:
        head += struct.pack(">HH", VLAN, int(said["vlan"]))
    return head + struct.pack(">H", protocol) + packet


def own_address(target: str) -> str:
    """Return the address from which this machine talks to another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect((target, 9))
        return str(link.getsockname()[0])


def send(name: str, said: dict[str, str]) -> None:
    """Send it, some times."""
    packet = frame(name, said)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((said.get("card", "eth0"), 0))
        for _ in range(TIMES):
            # nftables drops on the way out of dom0's vif, and the sender is told so: ENOBUFS.
            with suppress(OSError):
                link.send(packet)
            time.sleep(0.05)


def count(seconds: float, said: dict[str, str]) -> Counter[str]:
    """Count what comes in, by name."""
    if "card" in said:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        link.bind((said["card"], EVERYTHING))
    else:
        link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    seen: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            packet, sender = link.recvfrom(4096)
        except TimeoutError:
            break
        if "card" in said and sender[2] == OUTGOING:
            continue
        if "card" not in said and packet[(packet[0] & 15) * 4] != 8:
            continue  # an answer to ourselves
        name = mark_in(packet)
        if name and name == said.get("until"):
            end = min(end, time.monotonic() + 1)
        if name:
            seen[name] += 1
        elif packet[12:14] == struct.pack(">H", ARP) and is_answer_of_a_stranger(packet[14:]):
            seen["arp-answer"] += 1
    return seen


def is_answer_of_a_stranger(packet: bytes) -> bool:
    """Tell whether an ARP packet is an answer, and not dom0's to our own question."""
    return packet[6:8] == b"\0\2" and packet[8:14] != raw(VIF)


def options(words: list[str]) -> dict[str, str]:
    """Return what follows each --NAME."""
    return {
        word.removeprefix("--"): value for word, value in zip(words[::2], words[1::2], strict=True)
    }


def main(verb: str, *words: str) -> None:
    """Do as the command line says."""
    if verb == "count":
        print(json.dumps(count(float(words[0]), options(list(words[1:])))), flush=True)
        return
    rest = [*words]
    while rest:
        end = rest.index("+") if "+" in rest else len(rest)
        send(rest[0], options(rest[1:end]))
        del rest[: end + 1]


if __name__ == "__main__":
    main(*sys.argv[1:])
