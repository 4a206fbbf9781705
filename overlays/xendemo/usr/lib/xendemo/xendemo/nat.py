"""`nat`: lets guests out into the world, and ssh in to them.

nftables' table `ip xendemo` is the only record of what is on: its chain `postrouting` is there as
long as NAT is on, and its set `cards` has those cards that forward for the guests' sake and did not
before. The hotplug script vif-xendemo reads and keeps both too, under the same lock.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from xendemo import facts, report
from xendemo import run as programs
from xendemo.errors import Failure

HELP = "let guests out into the world, and ssh in to them"
EXAMPLES = """
  xendemo nat on
  xendemo nat status
  ssh -p 2201 root@DOM0        (from outside, into domain 1; 2202 is domain 2)
  xendemo nat off
"""
FOLDER = "/usr/lib/xendemo"
LOCK = "/run/xendemo-cards.lock"
CARDS = "/sys/class/net"
FORWARDING = "/proc/sys/net/ipv4/conf/{}/forwarding"
FIRST_PORT = 2200  # and a domain's id


@dataclass(frozen=True)
class State:
    """What the table `ip xendemo` says.

    Args:
        there: there is such a table.
        on: NAT is on.
        cards: cards that forward for the guests' sake.
        lan: cards in whose network a guest has an address, which need that without NAT as well.
        ports: the guest's address behind each port.
    """

    there: bool = False
    on: bool = False
    cards: tuple[str, ...] = ()
    lan: frozenset[str] = frozenset()
    ports: Mapping[int, str] | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done: cards that stop forwarding, then rules, then cards that start."""

    rules: str
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("what", choices=("on", "off", "status"), help="what to do, or to tell")
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be done")


def run(args: argparse.Namespace) -> int:
    """Do it, or tell how it is."""
    facts.require_dom0()
    if args.what == "status":
        print(status(read_state(_table()), _forwarding(), _names()))
        return 0
    with _locked():
        state, forwarding = read_state(_table()), _forwarding()
        plan = plan_on(state, forwarding) if args.what == "on" else plan_off(state)
        if args.dry_run:
            print(as_text(plan))
        else:
            _act(plan)
            print(f"NAT is {args.what}")
    return 0


def is_on() -> bool:
    """Tell whether guests get out, and ports lead to them."""
    return programs.run("nft", "list", "chain", "ip", "xendemo", "postrouting").status == 0


def read_state(text: str) -> State:
    """Read the output of `nft -j list table ip xendemo`; it is empty if there is no table."""
    import json

    if not text:
        return State()
    names: dict[str, Sequence[Any]] = {}
    for item in json.loads(text)["nftables"]:
        for kind in ("set", "map", "chain"):
            if kind in item:
                names[item[kind]["name"]] = item[kind].get("elem", ())
    return State(
        there=True,
        on="postrouting" in names,
        cards=tuple(names.get("cards", ())),
        lan=frozenset(element["concat"][2] for element in names.get("lan", ())),
        ports=dict(sorted(names.get("ssh", ()))),
    )


def is_card(name: str) -> bool:
    """Tell whether an interface leads out of this machine."""
    return name not in ("lo", "xenlink") and not name.startswith("vif")


def plan_on(state: State, forwarding: Mapping[str, bool]) -> Plan:
    """Decide how to turn it on; a second time, cards that have come since are added.

    Args:
        state: what there is.
        forwarding: whether it forwards, for each card.
    """
    start = tuple(card for card in sorted(forwarding) if not forwarding[card])
    rules = f'include "{FOLDER}/domains.nft"\ninclude "{FOLDER}/nat.nft"\n'
    new = [card for card in start if card not in state.cards]
    return Plan(rules + _change("add", new), start=start)


def plan_off(state: State) -> Plan:
    """Decide how to make everything as it was before, whatever guests have come or gone since."""
    if not state.on:
        return Plan("")
    stop = tuple(card for card in state.cards if card not in state.lan)
    rules = (
        "delete chain ip xendemo prerouting\n"
        "delete chain ip xendemo postrouting\n"
        "flush chain ip xendemo outbound\n"
        "flush chain ip xendemo inbound\n"
    )
    return Plan(rules + _change("delete", stop), stop=stop)


def _change(verb: str, cards: Sequence[str]) -> str:
    listed = ", ".join(f'"{card}"' for card in cards)
    return f"{verb} element ip xendemo cards {{ {listed} }}\n" if cards else ""


def as_text(plan: Plan) -> str:
    """Return a plan as commands that a person could type."""
    stop = [f"echo 0 >{FORWARDING.format(card)}" for card in plan.stop]
    start = [f"echo 1 >{FORWARDING.format(card)}" for card in plan.start]
    rules = [f"nft -f - <<END\n{plan.rules}END"] if plan.rules else []
    return "\n".join([*stop, *rules, *start]) or "nothing is to be done"


def status(state: State, forwarding: Mapping[str, bool], names: Mapping[int, str]) -> str:
    """Return what there is to tell.

    Args:
        state: what there is.
        forwarding: whether it forwards, for each card.
        names: the domains', by their ids.
    """
    cards = " ".join(card for card in sorted(forwarding) if forwarding[card]) or "none"
    lines = [f"NAT is {'on' if state.on else 'off'}", f"cards that forward: {cards}"]
    rows = [
        (str(port), names.get(port - FIRST_PORT, "?"), str(port - FIRST_PORT), address)
        for port, address in (state.ports or {}).items()
    ]
    if rows:
        heading = "SSH PORT" if state.on else "PORT WITH NAT"
        lines += ["", report.table([(heading, "NAME", "ID", "ADDRESS"), *rows])]
    return "\n".join(lines)


def _act(plan: Plan) -> None:
    # A card forwards only while the rules keep it from forwarding for anybody but guests.
    for card in plan.stop:
        _forward(card, 0)
    if plan.rules:
        programs.check("nft", "-f", "-", given=plan.rules)
    for card in plan.start:
        _forward(card, 1)


def _forward(card: str, value: int) -> None:
    try:
        with open(FORWARDING.format(card), "w", encoding="ascii") as file:
            file.write(f"{value}\n")
    except FileNotFoundError:
        pass  # the card has been taken out


def _forwarding() -> dict[str, bool]:
    found = {}
    for card in filter(is_card, os.listdir(CARDS)):
        try:
            with open(FORWARDING.format(card), encoding="ascii") as file:
                found[card] = file.read().strip() == "1"
        except FileNotFoundError:
            continue  # it speaks no IPv4
    return found


def _table() -> str:
    tables = programs.check("nft", "list", "tables", "ip")
    if "table ip xendemo" not in tables.splitlines():
        return ""
    return programs.check("nft", "-j", "list", "table", "ip", "xendemo")


def _names() -> dict[int, str]:
    return {domain.id: domain.name for domain in facts.domains()}


@contextmanager
def _locked() -> Iterator[None]:
    import fcntl

    try:
        file = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failure(f"{LOCK}: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
