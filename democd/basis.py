"""The basis of a Debian root: what must be there before apt and dpkg can work in it.

That is what is essential, and apt, with all that these depend on: a root of just these is whole
(Debian Policy, 3.8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from democd.errors import BuildError

INSTALLER = "apt"

_NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]+)")
_DEPENDENCIES = ("Pre-Depends", "Depends")

Control = Mapping[str, str]
"""The fields of a package, as `formats.deb822.stanzas` gives them."""


def choose(packages: Iterable[Control]) -> list[Control]:
    """Return those of some packages that are the basis, sorted by name.

    The packages are all that the root will have, so of what can be chosen (`a | b`, or what several
    provide) the first that is there will do; who provides a name is asked in the order of theirs.

    Raises:
        BuildError: a package lacks one that it depends on.
    """
    known = {package["Package"]: package for package in packages}
    provided: dict[str, list[str]] = {}
    for provider in sorted(known):
        for name in _names(known[provider].get("Provides", ""), ","):
            provided.setdefault(name, []).append(provider)
    found: set[str] = set()
    todo = [name for name in known if known[name].get("Essential") == "yes"] + [INSTALLER]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        if name not in known:
            raise BuildError(f"no package {name} among those of the root")
        found.add(name)
        for clause in _clauses(known[name]):
            alternatives = _names(clause, "|")
            real = [other for other in alternatives if other in known]
            virtual = [other for it in alternatives for other in provided.get(it, ())]
            if not real and not virtual:
                raise BuildError(f"{name} depends on {clause.strip()}, which the root lacks")
            todo.append((real or virtual)[0])
    return [known[name] for name in sorted(found)]


def _clauses(package: Control) -> list[str]:
    return [
        clause
        for field in _DEPENDENCIES
        for clause in package.get(field, "").split(",")
        if clause.strip()
    ]


def _names(text: str, mark: str) -> list[str]:
    return [hit[1] for part in text.split(mark) if (hit := _NAME.match(part))]
