"""Debian's machine-readable copyright files, and their licences in SPDX's words.

Sources: Machine-readable debian/copyright file 1.0 (DEP-5); SPDX 2.3, annex D (expressions) and
the SPDX License List.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from democd.formats.deb822 import stanzas

_FORMAT = "copyright-format/1.0"
_FAMILY = re.compile(
    r"(A?GPL|LGPL|GFDL(?:-NIV)?)-(\d(?:\.\d)?)(?:\.0)?(\+|-or-later|-only)?", re.IGNORECASE
)
_TERM = re.compile(r"[A-Za-z0-9.+-]+")

_SAME = (
    "0BSD", "AFL-2.1", "Apache-2.0", "Artistic-2.0", "Beerware", "BSD-2-Clause", "BSD-3-Clause",
    "BSD-3-Clause-Attribution", "BSD-4-Clause", "BSD-4-Clause-UC", "BSL-1.0", "CC-BY-3.0",
    "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "curl", "FSFAP", "FSFUL", "FSFULLR",
    "FTL", "ISC", "Libpng", "MIT-0", "MPL-1.1", "MPL-2.0", "OFL-1.1", "OLDAP-2.8",
    "Unicode-DFS-2016", "Unlicense", "X11", "Zlib",
)  # fmt: skip
"""Identifiers of SPDX that Debian's files use for the same licence."""
_OTHERS = {"expat": "MIT", "apache-2": "Apache-2.0", "openldap-2.8": "OLDAP-2.8"}
"""What DEP-5 calls otherwise. "MIT", "BSD", "Artistic" and the like stand for several."""
_KNOWN = {name.lower(): name for name in _SAME} | _OTHERS


@dataclass(frozen=True)
class Extracted:
    """A licence that SPDX has no name for: what the file calls it, and its text."""

    name: str
    text: str

    @property
    def reference(self) -> str:
        """Return its SPDX id, which other texts of that name do not have."""
        word = re.sub(r"[^A-Za-z0-9.]+", "-", self.name).strip("-") or "unnamed"
        digest = hashlib.sha256(f"{self.name}\n{self.text}".encode()).hexdigest()
        return f"LicenseRef-{word[:30]}-{digest[:6]}"


@dataclass(frozen=True)
class Licences:
    """What a copyright file tells.

    Attributes:
        expression: of SPDX; "" if the file cannot be read by machines.
        extracted: the licences in it that SPDX has no name for, by id.
    """

    expression: str = ""
    extracted: Mapping[str, Extracted] = field(default_factory=dict)


def read(text: str) -> Licences:
    """Return the licences of all files that a copyright file tells of."""
    found = list(stanzas(text))
    if not found or _FORMAT not in found[0].get("Format", "").rstrip("/"):
        return Licences()
    texts: dict[str, str] = {}
    used: list[str] = []
    for fields in found:
        name, _, body = fields.get("License", "").partition("\n")
        name = " ".join(name.split())
        if body.strip():
            texts.setdefault(name.lower(), body.strip())
        if name and ("Files" in fields or fields is found[0]):
            used.append(name)
    extracted: dict[str, Extracted] = {}
    parts = {_expression(name, texts, extracted) for name in used}
    return Licences(_joined(sorted(parts), "AND"), extracted)


def _expression(name: str, texts: Mapping[str, str], extracted: dict[str, Extracted]) -> str:
    """Return a short name of DEP-5 as SPDX has it: `and` binds closer than `or`, a comma least."""
    words = re.split(r",\s+(and|or)\s+", name)
    result = _alternatives(words[0], texts, extracted)
    for how, piece in zip(words[1::2], words[2::2], strict=True):
        result = _joined([result, _alternatives(piece, texts, extracted)], how.upper())
    return result


def _alternatives(piece: str, texts: Mapping[str, str], extracted: dict[str, Extracted]) -> str:
    choices = [
        _joined([_term(term, texts, extracted) for term in re.split(r"\s+and\s+", choice)], "AND")
        for choice in re.split(r"\s+or\s+", piece)
    ]
    return _joined(choices, "OR")


def _term(name: str, texts: Mapping[str, str], extracted: dict[str, Extracted]) -> str:
    if (known := spdx_id(name)) is not None:
        return known
    licence = Extracted(name, texts.get(name.lower(), ""))
    extracted[licence.reference] = licence
    return licence.reference


def spdx_id(name: str) -> str | None:
    """Return SPDX's identifier of a licence's short name; None if it has no certain one."""
    if not _TERM.fullmatch(name):
        return None
    if match := _FAMILY.fullmatch(name):
        family, version, more = match[1].upper(), match[2], match[3] or ""
        version = version if "." in version else f"{version}.0"
        kind = "only" if more in ("", "-only") else "or-later"
        if family == "GFDL-NIV":
            return f"GFDL-{version}-no-invariants-{kind}"
        return f"{family}-{version}-{kind}" if version in _VERSIONS[family] else None
    return _KNOWN.get(name.lower())


_VERSIONS = {
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
    "AGPL": ("3.0",),
    "GFDL": ("1.1", "1.2", "1.3"),
}


def _joined(parts: Iterable[str], how: str) -> str:
    """Return an expression of several, each once; in brackets what would read otherwise."""
    every = list(dict.fromkeys(part for part in parts if part))
    if len(every) < 2:
        return "".join(every)
    return f" {how} ".join(f"({part})" if _is_other(part, how) else part for part in every)


def _is_other(part: str, how: str) -> bool:
    other = " OR " if how == "AND" else " AND "
    return other in part
