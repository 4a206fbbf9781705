"""The bill of materials: whether it is an SPDX 2.3 document, and of the packages on this disc.

Source: SPDX 2.3, clauses 6 (document), 7 (package), 10 (other licences) and 11 (relationships).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from democd import layout
from democd.spdx import VERSION
from democd.verify.content import first
from democd.verify.subject import REBUILD, Subject
from democd.verify.verdict import FaultError

_ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
_REFERENCE = re.compile(r"(?<![A-Za-z0-9.:-])LicenseRef-[A-Za-z0-9.-]+")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CREATOR = re.compile(r"(Person|Organization|Tool): \S.*")
_NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^#\s]+")
_PURL = re.compile(r"pkg:deb/[^/]+/(?P<name>[^@]+)@(?P<version>[^?]+)\?(?P<more>.*)")

FIXED = {"spdxVersion": VERSION, "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT"}
LISTS = ("packages", "relationships", "hasExtractedLicensingInfos")
Object = Mapping[str, Any]


def check_bill(subject: Subject) -> str:
    """Check that the bill of materials is valid, and names just the packages on the disc."""
    if layout.SBOM not in subject.files:
        return "none"
    try:
        told = json.loads(subject.content(layout.SBOM))
    except (ValueError, RecursionError) as error:
        raise FaultError(f"{layout.SBOM} is not JSON: {error}", REBUILD) from error
    wrong = list(shape_faults(told)) or _differing(told, subject)
    if wrong:
        raise FaultError(first([f"{layout.SBOM}: {what}" for what in wrong]), REBUILD)
    return f"{VERSION}, {len(_listed(subject))} packages"


def shape_faults(told: Any) -> Iterator[str]:
    """Give what keeps a value from being an SPDX 2.3 document with packages."""
    if not isinstance(told, dict):
        yield "not an object"
        return
    for key, value in FIXED.items():
        if told.get(key) != value:
            yield f"{key} is {told.get(key)!r}, not {value!r}"
    if not _is_text(told.get("name")):
        yield "the document has no name"
    if not _NAMESPACE.fullmatch(str(told.get("documentNamespace", ""))):
        yield "documentNamespace is no URI"
    yield from _creation(told.get("creationInfo"))
    for key in LISTS:
        listed = told.get(key)
        if not isinstance(listed, list) or not all(isinstance(it, dict) for it in listed):
            yield f"{key} is no list of objects"
            return
    yield from _packages(told)
    yield from _relations(told)


def _creation(info: Any) -> Iterator[str]:
    info = info if isinstance(info, dict) else {}
    if not _CREATED.fullmatch(str(info.get("created", ""))):
        yield "creationInfo.created is no time"
    creators = info.get("creators")
    if not isinstance(creators, list) or not creators:
        yield "creationInfo has no creators"
    elif not all(_CREATOR.fullmatch(str(creator)) for creator in creators):
        yield "creationInfo.creators: none but Person:, Organization: and Tool:"


def _packages(told: Object) -> Iterator[str]:
    """Check each package (clause 7), and that the licences it names are explained (clause 10)."""
    seen: set[str] = set()
    known = set()
    for licence in told["hasExtractedLicensingInfos"]:
        known.add(str(licence.get("licenseId")))
        if not _REFERENCE.fullmatch(str(licence.get("licenseId"))):
            yield f"{licence.get('licenseId')!r} is no id of a licence"
        if not _is_text(licence.get("extractedText")):
            yield f"{licence.get('licenseId')} has no text"
    for package in told["packages"]:
        name = str(package.get("SPDXID"))
        if not _ID.fullmatch(name):
            yield f"{name!r} is no SPDX id"
        if name in seen:
            yield f"two packages are {name}"
        seen.add(name)
        for key in ("name", "downloadLocation"):
            if not _is_text(package.get(key)):
                yield f"{name} has no {key}"
        if package.get("filesAnalyzed") is not False:
            yield f"{name}: filesAnalyzed must be false, for no files are told"
        for reference in _REFERENCE.findall(str(package.get("licenseDeclared", ""))):
            if reference not in known:
                yield f"{name}: {reference} is not explained"


def _relations(told: Object) -> Iterator[str]:
    ids = {package.get("SPDXID") for package in told["packages"]} | {FIXED["SPDXID"]}
    described = False
    for relation in told["relationships"]:
        ends = (relation.get("spdxElementId"), relation.get("relatedSpdxElement"))
        if not _is_text(relation.get("relationshipType")) or not set(ends) <= ids:
            yield f"a relationship of {ends[0]} and {ends[1]}: one of them is not here"
        described |= relation.get("relationshipType") == "DESCRIBES" and ends[0] == FIXED["SPDXID"]
    if not described:
        yield "it does not say what it describes"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _differing(told: Object, subject: Subject) -> list[str]:
    """Return how its Debian packages differ from those that the disc lists."""
    named: dict[str, str] = {}
    for package in told["packages"]:
        for match in _binaries(package):
            name, version = unquote(match["name"]), unquote(match["version"])
            if (name, version) != (package["name"], package.get("versionInfo")):
                return [f"{package['name']}: its package URL is of {name} {version}"]
            named[name] = version
    listed = _listed(subject)
    return [
        *(f"{name} is missing" for name in sorted(set(listed) - set(named))),
        *(f"{name} is not in {layout.PACKAGES}" for name in sorted(set(named) - set(listed))),
        *(
            f"{name} has version {named[name]}, in {layout.PACKAGES} {listed[name]}"
            for name in sorted(set(named) & set(listed))
            if named[name] != listed[name]
        ),
    ]


def _binaries(package: Object) -> Iterator[re.Match[str]]:
    """Give the package URLs of a package of Debian's; sources have the architecture `source`."""
    references = package.get("externalRefs", [])
    for reference in references if isinstance(references, list) else []:
        match = _PURL.fullmatch(str(dict(reference).get("referenceLocator")))
        if match and "arch=source" not in match["more"].split("&"):
            yield match


def _listed(subject: Subject) -> dict[str, str]:
    lines = subject.content(layout.PACKAGES).decode(errors="replace").splitlines()
    return {name: version for name, version, *_ in map(str.split, lines)}
