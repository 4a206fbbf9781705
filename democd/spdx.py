"""The disc's bill of materials: an SPDX 2.3 document in JSON, packages with licences and sources.

Source: SPDX 2.3, clauses 6 to 11; the purl of a Debian package: Package URL, type `deb`.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from democd import __version__
from democd.formats.copyright import Licences
from democd.origins import Binary

VERSION = "SPDX-2.3"
NOTHING = "NOASSERTION"
TEXT_MAX = 60
"""Characters that are kept of a licence's text; all of it is in the root."""

_DOCUMENT, _DISC, _BUILDER = "SPDXRef-DOCUMENT", "SPDXRef-Disc", "SPDXRef-democd"
_OWN, _PACKAGE, _SOURCE = "SPDXRef-own", "SPDXRef-deb", "SPDXRef-src"
_UNFIT = re.compile(r"[^A-Za-z0-9.-]")

Object = dict[str, Any]


@dataclass(frozen=True)
class Head:
    """The disc that the document tells of; `date` in seconds since 1970, UTC."""

    title: str
    version: str
    date: int


@dataclass(frozen=True)
class Own:
    """What of the disc is the person's own.

    Attributes:
        name: what it is.
        version: as far as it tells; or "".
        path: on the disc.
        sha256: of that file, in hexadecimal.
    """

    name: str
    version: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Inventory:
    """What comes from Debian, as the document has it.

    Attributes:
        packages: binary packages, and behind them the source packages they were built from.
        relationships: which from which.
        licences: the texts of those that SPDX has no name for.
    """

    packages: Sequence[Object] = ()
    relationships: Sequence[Object] = ()
    licences: Sequence[Object] = field(default_factory=list)


def inventory(
    binaries: Iterable[Binary], licences: Mapping[str, Licences], suite: str
) -> Inventory:
    """Return the packages of a Debian root.

    Args:
        binaries: as `origins.binaries` gives them.
        licences: of each package, by name.
        suite: of Debian.
    """
    packages, relations = [], []
    sources: dict[tuple[str, str], Object] = {}
    texts: dict[str, Object] = {}
    for binary in binaries:
        found = licences.get(binary.name, Licences())
        packages.append(_binary(binary, found, suite))
        for name, version, _ in binary.sources:
            if (name, version) not in sources:
                first = all(name != other for other, _ in sources)
                sources[name, version] = _source(name, version, first=first)
            source = sources[name, version]
            relations.append(_related(_id(_PACKAGE, binary.name), "GENERATED_FROM", source))
        for reference, licence in found.extracted.items():
            where = f"/usr/share/doc/{binary.name}/copyright"
            texts.setdefault(reference, _text(reference, licence.name, licence.text, where))
    return Inventory(
        [*packages, *(sources[key] for key in sorted(sources))],
        relations,
        [texts[key] for key in sorted(texts)],
    )


def document(head: Head, debian: Inventory, own: Iterable[Own]) -> str:
    """Return the document: the same text for the same disc."""
    parts = [_own(part) for part in own]
    disc = {
        **_package(_DISC, head.title, head.version),
        "primaryPackagePurpose": "OPERATING_SYSTEM",
    }
    builder = _package(_BUILDER, "democd", __version__)
    builder["comment"] = "what of the disc is neither Debian's nor the person's own"
    inside = [builder, *parts, *(it for it in debian.packages if _is_binary(it))]
    created = datetime.fromtimestamp(head.date, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told: Object = {
        "spdxVersion": VERSION,
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": f"{head.title} {head.version}",
        "creationInfo": {"created": created, "creators": [f"Tool: democd-{__version__}"]},
        "packages": [disc, builder, *parts, *debian.packages],
        "relationships": [
            _related(_DOCUMENT, "DESCRIBES", disc),
            *(_related(_DISC, "CONTAINS", it) for it in inside),
            *debian.relationships,
        ],
        "hasExtractedLicensingInfos": list(debian.licences),
    }
    seed = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()
    told["documentNamespace"] = f"urn:uuid:{uuid.UUID(bytes=seed[:16], version=4)}"
    return _written(told)


def read(text: str) -> tuple[Inventory, list[Own]]:
    """Return what a document that `document` wrote tells, but for its head.

    Raises:
        ValueError: it is not of that form.
    """
    try:
        told = json.loads(text)
        packages = told["packages"]
        debian = [it for it in packages if it["SPDXID"].startswith((f"{_PACKAGE}-", f"{_SOURCE}-"))]
        relations = [
            it for it in told["relationships"] if it["relationshipType"] == "GENERATED_FROM"
        ]
        own = [
            Own(
                it["name"],
                it.get("versionInfo", ""),
                it["packageFileName"],
                it["checksums"][0]["checksumValue"],
            )
            for it in packages
            if it["SPDXID"].startswith(f"{_OWN}-")
        ]
        if not all(isinstance(word, str) for part in own for word in vars(part).values()):
            raise ValueError("not a bill of materials of democd: a name that is no text")
        return Inventory(debian, relations, told["hasExtractedLicensingInfos"]), own
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a bill of materials of democd: {error!r}") from error


def _package(spdx_id: str, name: str, version: str) -> Object:
    return {
        "SPDXID": spdx_id,
        "name": name,
        **({"versionInfo": version} if version else {}),
        "downloadLocation": NOTHING,
        "filesAnalyzed": False,
    }


def _binary(binary: Binary, licences: Licences, suite: str) -> Object:
    name, version, _ = binary.sources[0]
    more = [f"{other} {its}" for other, its, _ in binary.sources[1:]]
    return {
        **_package(_id(_PACKAGE, binary.name), binary.name, binary.version),
        "supplier": "Organization: Debian",
        "licenseDeclared": licences.expression or NOTHING,
        "sourceInfo": ", ".join([f"{name} {version}", *more]),
        "externalRefs": [
            _purl(binary.name, binary.version, f"{binary.architecture}&distro={quote(suite)}")
        ],
    }


def _source(name: str, version: str, *, first: bool) -> Object:
    """Return a source package; only the first version of one is known by its name alone."""
    return {
        **_package(_id(_SOURCE, name if first else f"{name}-{version}"), name, version),
        "externalRefs": [_purl(name, version, "source")],
    }


def _own(part: Own) -> Object:
    return {
        **_package(_id(_OWN, part.path[1:]), part.name, part.version),
        "packageFileName": part.path,
        "checksums": [{"algorithm": "SHA256", "checksumValue": part.sha256}],
    }


def _purl(name: str, version: str, architecture: str) -> Object:
    words = f"{quote(name, safe='')}@{quote(version, safe='')}"
    return {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": f"pkg:deb/debian/{words}?arch={architecture}",
    }


def _text(reference: str, name: str, text: str, where: str) -> Object:
    cut = text[:TEXT_MAX]
    if cut != text or not text:
        cut = f"{cut} […] {where}" if text else where
    return {"licenseId": reference, "name": name, "extractedText": cut}


def _is_binary(package: Object) -> bool:
    return bool(package["SPDXID"].startswith(f"{_PACKAGE}-"))


def _related(one: str, how: str, other: Object) -> Object:
    return {
        "spdxElementId": one,
        "relationshipType": how,
        "relatedSpdxElement": other["SPDXID"],
    }


def _id(kind: str, name: str) -> str:
    """Return an SPDX id, which has letters, digits, dots and dashes; others as their number."""
    return f"{kind}-{_UNFIT.sub(lambda match: f'.{ord(match[0]):x}.', name)}"


def _written(told: Object) -> str:
    """Return JSON with a line for each item of a list: short, and two can be compared."""
    fields = []
    for name, value in told.items():
        if isinstance(value, list):
            items = ",\n".join(_compact(item) for item in value)
            fields.append(f"{json.dumps(name)}: [\n{items}\n]")
        else:
            fields.append(f"{json.dumps(name)}: {_compact(value)}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
