"""Which domains a person means."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from xendemo import facts
from xendemo.addresses import LINK_LOCAL
from xendemo.errors import InputError, Mistakes
from xendemo.facts import Domain
from xendemo.words import choice


def known() -> tuple[Domain, ...]:
    """Return the domains that there are, domain 0 first.

    Raises:
        Failure: this is no domain 0, or Xen does not answer.
    """
    facts.require_dom0()
    return facts.domains()


def chosen(words: Sequence[str], everybody: bool, there: Sequence[Domain]) -> list[Domain]:
    """Return the domains that were named, by name or id, or all; never domain 0.

    Raises:
        Mistakes: one for each name that is none, or domain 0's.
        InputError: nothing was named, or too much.
    """
    others = [domain for domain in there if domain.id]
    if everybody:
        if words:
            raise InputError("--all and names together", "write one or the other")
        return others
    if not words:
        raise InputError("no domain is named", "write its name, or --all")
    found: dict[int, Domain] = {}
    mistakes = []
    for word in words:
        domain = _find(word, there)
        if domain is None:
            mistakes.append((f"there is no domain {word}", choice(word, _names(others))))
        elif domain.id == 0:
            mistakes.append(("domain 0 is this very system", "to end it: poweroff, or reboot"))
        else:
            found[domain.id] = domain
    if mistakes:
        raise Mistakes(mistakes)
    return list(found.values())


def linklocal(domain: Domain, vifs: dict[int, tuple[IPv4Address, ...]]) -> IPv4Address:
    """Return the link-local address of a domain.

    Raises:
        InputError: it has none.
    """
    for address in vifs.get(domain.id, ()):
        if address in LINK_LOCAL:
            return address
    raise InputError(f"{domain.name} has no link-local address: xendemo did not start it",
                     f"its console: xendemo console {domain.name}")  # fmt: skip


def _find(word: str, there: Sequence[Domain]) -> Domain | None:
    for domain in there:
        if domain.name == word:
            return domain
    return next((domain for domain in there if str(domain.id) == word), None)


def _names(there: Sequence[Domain]) -> list[str]:
    return [domain.name for domain in there]
