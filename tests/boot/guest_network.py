"""What is checked of the guests' network: who reaches whom, and who cannot pretend to be whom."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

from tests.boot.domains import (
    KNOWING,
    LINK,
    MAIN,
    clear,
    get_in,
    micro_guest,
    run_in,
    wait_for_ssh,
)
from tests.boot.fleet import Visit
from tests.boot.network.beside import ANSWER, name_server, web_server


def ssh_from_dom0_takes_the_password(visit: Visit) -> None:
    said = visit.console.get(f"{KNOWING} xendemo ssh guest1 hostname")
    assert said.split()[-1] == "guest1"
    wrong = "printf '#!/bin/sh\\necho not-it\\n' >/root/wrong; chmod 700 /root/wrong;"
    asked = "SSH_ASKPASS=/root/wrong SSH_ASKPASS_REQUIRE=force ssh -o ControlPath=none"
    refused = visit.console.run(
        f"{wrong} {asked} -o NumberOfPasswordPrompts=1 root@{LINK[1]} hostname"
    )
    assert refused.status == 255
    assert "guest1" not in refused.text


def guests_reach_dom0_and_each_other(visit: Visit) -> None:
    wait_for_ssh(visit, 2)
    for target in ("169.254.1.0", MAIN[2], LINK[2]):
        assert " 0% packet loss" in get_in(visit, 1, f"ping -c 3 -W 5 {target}")
    for number in (1, 2):
        for target in (MAIN[number], LINK[number]):
            assert " 0% packet loss" in visit.console.get(f"ping -c 3 -W 5 {target}")


# --- forgeries: sent five times each, counted where they would arrive -----------------------------

_SPOOF = Path(__file__).parent / "network/spoof.py"
_OTHER_MAC = "--source-mac 00:16:3e:fe:01:02"
_TO_GUEST_2 = f"--target {MAIN[2]}"
_FORGED_FOR_GUEST_2 = {
    "honest": "",
    "honestlink": f"--target {LINK[2]}",
    "ipofguest": f"--source {MAIN[2]}",
    "ipofdomz": "--source 169.254.1.0",
    "ipofworld": "--source 10.0.2.2",
    "mac": _OTHER_MAC,
    "macandip": f"{_OTHER_MAC} --source {MAIN[2]}",
    "direct": f"--target-mac 00:16:3e:fe:01:02 --source {MAIN[2]}",
    "tagged": f"--vlan 0 --source {MAIN[2]}",
    "arpguest": f"--kind arp-reply --source {MAIN[2]}",
    "arpdomz": f"--kind arp-reply --source 169.254.1.0 --target {LINK[2]}",
    "ipsix": "--kind ipv6",
}
_FORGED_FOR_DOM0 = {
    "honest": "",
    "honestlink": f"--source {LINK[1]}",
    "ipofguest": f"--source {MAIN[2]}",
    "ipofdomz": "--source 169.254.1.0",
    "ipofworld": "--source 10.0.2.2",
    "mac": _OTHER_MAC,
    "tagged": f"--vlan 0 --source {MAIN[2]}",
    "ipsix": "--kind ipv6",
}
# From guest 2, since dom0 refuses what answers itself, and tells so in a packet of its own.
_ONTO_THE_VIF = f"--card vif1.0 --target-mac 00:16:3e:fe:01:01 --source {MAIN[2]}"
_PUSHED_AT_GUEST_1 = {
    "honest": f"--target {MAIN[1]}",
    "honestlink": f"--target {LINK[1]}",
    "forguest": f"--target {MAIN[2]}",
    "forworld": "--target 10.0.2.2",
    "broadcast": "--target 255.255.255.255 --target-mac ff:ff:ff:ff:ff:ff",
    "multicast": "--target 224.0.0.1",
    "arpguest": f"--kind arp-request --target {MAIN[2]}",
    "arpanswer": f"--kind arp-reply --target {MAIN[2]}",
    "tagged": f"--vlan 0 --target {MAIN[2]}",
    "ipsix": "--kind ipv6",
}
_HONEST = {"honest": 5, "honestlink": 5, "last": 5}


def a_guest_cannot_send_as_another(visit: Visit) -> None:
    """By IP, by MAC, by ARP, by IPv6: nothing of it arrives at its sibling, nor at dom0."""
    _lay_out(visit)
    arrived = _exchange(
        visit,
        count=_ssh(2, "count 150 --card eth0 --until last"),
        send=_ssh(1, _sending(_FORGED_FOR_GUEST_2, _TO_GUEST_2)),
    )
    assert arrived == _HONEST
    arrived = _exchange(
        visit,
        count="python3 /root/spoof.py count 150 --until last",
        send=_ssh(1, _sending(_FORGED_FOR_DOM0, "")),
    )
    assert arrived == _HONEST


def a_guest_receives_only_what_is_for_it(visit: Visit) -> None:
    """What is pushed at its vif with another's address does not come out at its end."""
    arrived = _exchange(
        visit,
        count=_ssh(1, "count 150 --card eth0 --until last"),
        send=f"python3 /root/spoof.py {_sending(_PUSHED_AT_GUEST_1, _ONTO_THE_VIF)}",
    )
    assert arrived == _HONEST


def _lay_out(visit: Visit) -> None:
    """Bring spoof.py to dom0 and both guests."""
    with web_server(_SPOOF.read_text()) as port:
        visit.console.get(f"curl -s -m 60 http://10.0.2.2:{port}/ >/root/spoof.py")
    for number in (1, 2):
        visit.console.get(f"{KNOWING} ssh root@{LINK[number]} 'cat >spoof.py' </root/spoof.py")


def _ssh(number: int, words: str) -> str:
    return f"{KNOWING} ssh root@{LINK[number]} 'python3 spoof.py {words}'"


def _sending(forged: dict[str, str], common: str) -> str:
    """Return the words for spoof.py; what is said last counts, so `common` comes first."""
    named = [*forged.items(), ("last", next(iter(forged.values())))]
    return "send " + " + ".join(f"{name} {common} {words}" for name, words in named)


def _exchange(visit: Visit, count: str, send: str) -> dict[str, int]:
    """Count in one place what is sent in another; return how many of each name arrived."""
    script = f"{count} >/root/counted & sleep 12; {send}; wait; cat /root/counted"
    return dict(json.loads(visit.console.get(script, 400).splitlines()[-1]))


# --- out into the world, and in -------------------------------------------------------------------


def nothing_gets_out_without_nat(visit: Visit) -> None:
    with web_server("you are outside") as port:
        fetch = f"curl -s -m 6 http://10.0.2.2:{port}/"
        assert visit.console.get(fetch) == "you are outside"
        assert run_in(visit, 1, fetch).status != 0


def nat_reaches_the_world(visit: Visit) -> None:
    before = _routing(visit)
    visit.console.get("xendemo nat on")
    with web_server("you are outside") as port:
        assert get_in(visit, 1, f"curl -s -m 30 http://10.0.2.2:{port}/") == "you are outside"
    assert " 0% packet loss" in get_in(visit, 1, "ping -c 3 -W 5 10.0.2.2")
    assert "2201" in visit.console.get("xendemo nat status")
    visit.console.get("xendemo nat on")  # twice is no mistake
    visit.console.get("xendemo nat off")
    assert _routing(visit) == before
    visit.console.get("xendemo nat off; xendemo nat on")


def guests_have_a_resolver(visit: Visit) -> None:
    with name_server() as port:
        visit.console.get(f"resolvectl dns eth0 10.0.2.2:{port} && resolvectl domain eth0 '~.'")
        said = get_in(visit, 1, "getent ahostsv4 proof.example")
    assert ANSWER in said


def _routing(visit: Visit) -> str:
    return visit.console.get(
        "nft list ruleset | sed 's/counter packets .*//';"
        " sysctl -a 2>/dev/null | grep -e forwarding -e ip_forward; ip route; ip neigh show proxy"
    )


def port_2201_leads_to_domain_1(visit: Visit) -> None:
    """From outside, sshd of guest 1 takes a key and no password."""
    key = visit.folder / f"{visit.case.name}-key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    refused = _from_outside(visit, "-o", "PubkeyAuthentication=no")
    assert "Permission denied (publickey)" in refused.stderr, refused.stderr
    get_in(visit, 1, f'mkdir -p -m 700 .ssh; echo "{public}" >>.ssh/authorized_keys')
    let_in = _from_outside(visit, "-i", str(key))
    assert let_in.stdout.split() == ["guest1"], let_in.stderr


def _from_outside(
    visit: Visit, *options: str, port: int = 2201
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "ssh", "-F", "/dev/null", "-p", str(visit.running.port(port)),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", *options,
            "root@127.0.0.1", "hostname",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def an_address_of_the_outside_is_reached_there(visit: Visit) -> None:
    """dom0 answers for the guest in the network of its card, without translation."""
    clear(visit)
    visit.console.get("xendemo nat off")
    with micro_guest(visit, "-D ip=10.0.2.50") as guest:
        forward = "hostfwd_add net0 tcp:127.0.0.1:0-10.0.2.50:7"
        visit.running.qmp("human-monitor-command", command_line=forward)
        table = visit.running.qmp("human-monitor-command", command_line="info usernet")
        line = next(words for words in map(str.split, table.splitlines()) if "10.0.2.50" in words)
        guest.press("nc -l -p 7 -e echo $((40 + 2)) it is & sleep 2; echo by now\r")
        guest.expect(r"\nby now", 60)
        with socket.create_connection(("127.0.0.1", int(line[3])), 60) as link:
            link.settimeout(60)
            assert link.recv(100) == b"42 it is\n"
        guest.press("ping -c 3 -W 5 10.0.2.2\r")
        assert guest.expect([r"3 packets received", r"packet loss"], 60).index == 0
    assert "10.0.2.50" not in visit.console.get("ip neigh show proxy; nft list ruleset; ip route")


def nat_works_with_an_address_by_hand(visit: Visit) -> None:
    """dom0 has its address by `ip=`; a micro guest reaches the world through it."""
    visit.console.get("xendemo nat on")
    with micro_guest(visit) as guest:
        guest.press("ping -c 3 -W 5 10.0.2.2\r")
        assert guest.expect([r"3 packets received", r"packet loss"], 60).index == 0
    visit.console.get("xendemo nat off")
