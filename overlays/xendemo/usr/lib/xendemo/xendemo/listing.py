"""`list`: the domains that there are, with their addresses."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from xendemo import domains, facts, nat, report
from xendemo import run as programs
from xendemo.facts import Domain

HELP = "list the domains with their addresses"
EXAMPLES = """
  xendemo list
  xendemo list --json
"""
STATES = {
    "r": "running", "b": "idle", "p": "paused", "s": "shut down", "c": "crashed", "d": "ending",
}  # fmt: skip
HEADING = ("NAME", "ID", "MEMORY", "VCPUS", "STATE", "TYPE", "SSH PORT", "ADDRESSES")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def run(args: argparse.Namespace) -> int:
    """Print them."""
    there = domains.known()
    types = read_types(programs.check("xl", "list", "-l"))
    found = entries(there, types, facts.vifs(), nat.is_on())
    print(json.dumps(found, indent=2) if args.json else as_table(found))
    return 0


def read_types(text: str) -> dict[int, str]:
    """Return the type of each domain's id, from the output of `xl list -l`."""
    return {
        item["domid"]: item["config"].get("c_info", {}).get("type", "") for item in json.loads(text)
    }


def entries(
    there: Sequence[Domain], types: Mapping[int, str], vifs: Mapping[int, tuple[IPv4Address, ...]],
    ports: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what is known of each domain, by id; `ports`: NAT leads some to their sshds."""
    return [
        {
            "name": domain.name,
            "id": domain.id,
            "memory": domain.memory,
            "vcpus": domain.vcpus,
            "state": state(domain.state),
            "type": types.get(domain.id, ""),
            "ssh_port": nat.FIRST_PORT + domain.id if ports and domain.id in vifs else None,
            "addresses": [str(address) for address in vifs.get(domain.id, ())],
        }
        for domain in sorted(there, key=lambda domain: domain.id)
    ]


def state(letters: str) -> str:
    """Return the word for the letters of `xl list`; the last that is set says most."""
    words = [STATES[letter] for letter in letters if letter in STATES]
    return words[-1] if words else "ready"


def as_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the entries in columns; memory in MiB."""
    rows = [
        (
            item["name"], str(item["id"]), str(item["memory"]), str(item["vcpus"]), item["state"],
            item["type"], str(item["ssh_port"] or ""), " ".join(item["addresses"]),
        )
        for item in found
    ]  # fmt: skip
    return report.table([HEADING, *rows])
