"""`xendemo nat`: what it does and undoes, and what it tells."""

from __future__ import annotations

import json
from typing import Any

from tests.support.building import PROJECT
from xendemo.nat import Plan, State, as_text, is_card, plan_off, plan_on, read_state, status

FOLDER = PROJECT / "overlays/dom0/usr/lib/xendemo"


def table(*items: dict[str, Any]) -> str:
    """Return what `nft -j list table ip xendemo` says; shapes as nftables 1.1.3 wrote them."""
    head = {"metainfo": {"version": "1.1.3", "json_schema_version": 1}}
    own = {"table": {"family": "ip", "name": "xendemo", "handle": 1}}
    return json.dumps({"nftables": [head, own, *items]})


def a_set(name: str, *elements: Any) -> dict[str, Any]:
    found = {"family": "ip", "name": name, "table": "xendemo", "type": "ifname", "handle": 2}
    return {"set": {**found, "elem": list(elements)} if elements else found}


def a_chain(name: str) -> dict[str, Any]:
    return {"chain": {"family": "ip", "table": "xendemo", "name": name, "handle": 3}}


PORTS = {"map": {"name": "ssh", "elem": [[2202, "10.84.0.2"], [2201, "10.84.0.1"]]}}
LAN = a_set("lan", {"concat": ["10.0.2.50", "vif5.0", "eth0"]})


def test_state_of_a_machine_that_has_just_booted() -> None:
    text = table(a_set("lan"), a_set("cards"), {"map": {"name": "ssh"}}, a_chain("forward"))
    assert read_state(text) == State(there=True, ports={})
    assert read_state("") == State()  # somebody has flushed the rules


def test_state_with_nat_and_guests() -> None:
    state = read_state(table(LAN, a_set("cards", "eth0"), PORTS, a_chain("postrouting")))
    assert state.on
    assert state.cards == ("eth0",)
    assert state.lan == {"eth0"}
    assert list((state.ports or {}).items()) == [(2201, "10.84.0.1"), (2202, "10.84.0.2")]


def test_cards_lead_out() -> None:
    names = ["lo", "xenlink", "vif1.0", "eth0", "eth0.5", "wlan0", "br0"]
    assert [name for name in names if is_card(name)] == ["eth0", "eth0.5", "wlan0", "br0"]


def test_on_makes_cards_forward_that_did_not() -> None:
    plan = plan_on(State(there=True), {"eth1": True, "eth0": False, "eth2": False})
    assert plan.start == ("eth0", "eth2")
    assert plan.stop == ()
    assert plan.rules.splitlines() == [
        'include "/usr/lib/xendemo/domains.nft"',
        'include "/usr/lib/xendemo/nat.nft"',
        'add element ip xendemo cards { "eth0", "eth2" }',
    ]


def test_on_twice_adds_only_new_cards() -> None:
    plan = plan_on(State(True, True, ("eth0",)), {"eth0": True, "eth1": False})
    assert plan.start == ("eth1",)
    assert 'cards { "eth1" }' in plan.rules
    assert "cards" not in plan_on(State(True, True, ("eth0",)), {"eth0": True}).rules


def test_on_repairs_a_card_that_was_stopped_by_hand() -> None:
    plan = plan_on(State(True, True, ("eth0",)), {"eth0": False})
    assert plan.start == ("eth0",)
    assert "cards" not in plan.rules


def test_off_stops_what_on_started() -> None:
    plan = plan_off(State(True, True, ("eth0", "eth2")))
    assert plan.stop == ("eth0", "eth2")
    assert plan.start == ()
    assert plan.rules.splitlines() == [
        "delete chain ip xendemo prerouting",
        "delete chain ip xendemo postrouting",
        "flush chain ip xendemo outbound",
        "flush chain ip xendemo inbound",
        'delete element ip xendemo cards { "eth0", "eth2" }',
    ]


def test_off_leaves_a_card_to_a_guest_of_its_network() -> None:
    plan = plan_off(State(True, True, ("eth0", "eth1"), frozenset({"eth0"})))
    assert plan.stop == ("eth1",)
    assert 'cards { "eth1" }' in plan.rules


def test_off_when_off_does_nothing() -> None:
    assert plan_off(State(True, False, ("eth0",), frozenset({"eth0"}))) == Plan("")
    assert plan_off(State()) == Plan("")
    assert as_text(Plan("")) == "nothing is to be done"


def test_dry_run_says_it_in_order() -> None:
    text = as_text(Plan("RULES\n", ("eth0",), ("eth1",)))
    assert text.splitlines() == [
        "echo 0 >/proc/sys/net/ipv4/conf/eth0/forwarding",
        "nft -f - <<END",
        "RULES",
        "END",
        "echo 1 >/proc/sys/net/ipv4/conf/eth1/forwarding",
    ]


def test_status_tells_ports_and_cards() -> None:
    state = State(True, True, ("eth0",), ports={2201: "10.84.0.1", 2207: "10.0.2.50"})
    text = status(state, {"eth0": True, "eth1": False}, {1: "web"})
    assert text.splitlines()[:2] == ["NAT is on", "cards that forward: eth0"]
    rows = [line.split() for line in text.splitlines()[3:]]
    assert rows == [
        ["SSH", "PORT", "NAME", "ID", "ADDRESS"],
        ["2201", "web", "1", "10.84.0.1"],
        ["2207", "?", "7", "10.0.2.50"],
    ]


def test_status_when_off() -> None:
    text = status(State(True), {"eth0": False}, {})
    assert text == "NAT is off\ncards that forward: none"


def test_rules_can_be_loaded_again() -> None:
    """Each chain that a file fills is emptied before, so that no rule is there twice."""
    for name in ("domains.nft", "nat.nft"):
        text = (FOLDER / name).read_text()
        _, filled = text.split("flush chain", 1)
        for line in filled.splitlines():
            if line.strip().startswith("chain "):
                chain = line.split()[1]
                assert f"flush chain ip xendemo {chain}\n" in "flush chain" + filled
