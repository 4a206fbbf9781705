"""The checks of a disc of sources: whether it has the whole source of each package."""

from __future__ import annotations

from typing import Any

from democd import layout, source_layout
from democd.formats import deb822
from democd.recipe import MEDIA
from democd.verify.content import first, read_json
from democd.verify.subject import REBUILD, REPORT, Subject
from democd.verify.verdict import FaultError

NEEDED = (
    source_layout.README, source_layout.INDEX, source_layout.BINARIES, layout.SUMS,
    layout.MANIFEST,
)  # fmt: skip


def is_source_disc(subject: Subject) -> bool:
    """Return whether an ISO is a disc of sources, which does not boot."""
    return source_layout.INDEX in subject.files and layout.XEN not in subject.files


def check_needed(subject: Subject) -> str:
    """Check that README and lists are there."""
    missing = [path for path in NEEDED if path not in subject.files]
    if missing:
        raise FaultError(f"missing: {', '.join(missing)}", REBUILD)
    return f"{len(subject.files)} files; it does not boot"


def check_packages(subject: Subject) -> str:
    """Check that each source of each package is here whole, or is told to be missing."""
    manifest = read_json(subject)
    wrong: list[str] = []
    there = set()
    for source in manifest["sources"]:
        name = f"{source['name']} {source['version']}"
        there.add((source["name"], source["version"]))
        wrong += [f"{name}: {fault}" for fault in _faults(subject, source["files"])]
    lacking = {(source["name"], source["version"]) for source in manifest["missing"]}
    for binary in manifest["binaries"]:
        for source in binary["sources"]:
            if (source["name"], source["version"]) not in there | lacking:
                wrong.append(f"{binary['name']} has no source: {source['name']} is not here")
    if manifest["complete"] == bool(lacking):
        wrong.append('"complete" is not true')
    if wrong:
        raise FaultError(first(wrong), REPORT)
    told = f"{len(there)}, for {len(manifest['binaries'])} packages"
    if lacking:
        names = [" ".join(pair) for pair in sorted(lacking)]
        return f"{told}; INCOMPLETE, missing {len(lacking)}:\n{first(names)}"
    return f"{told}; complete"


def _faults(subject: Subject, files: list[dict[str, Any]]) -> list[str]:
    """Return what of a source's files is not here, or is not what its .dsc says."""
    listed = {file["path"]: (file["size"], file["sha256"]) for file in files}
    found = [
        f"{path} is not what the archive's list says"
        for path, about in listed.items()
        if path not in subject.files
        or (subject.files[path].size, subject.digests.get(path)) != about
    ]
    descriptions = [path for path in listed if path.endswith(".dsc")]
    if len(descriptions) != 1:
        return [*found, "it has no .dsc, or several"]
    place = descriptions[0].rpartition("/")[0]
    for line in _checksums(subject.content(descriptions[0]).decode(errors="replace")):
        digest, size, name = line.split()
        if listed.get(f"{place}/{name}") != (int(size), digest):
            found.append(f"{name}, which its .dsc names, is not here")
    return found


def _checksums(description: str) -> list[str]:
    # A .dsc is signed in the clear, so the signature's words are stanzas, too.
    for fields in deb822.stanzas(description):
        if "Checksums-Sha256" in fields:
            return [line for line in fields["Checksums-Sha256"].splitlines() if line]
    raise FaultError("a .dsc names no files", REPORT)


def check_manifest(subject: Subject) -> str:
    """Check that the manifest tells of this very disc."""
    manifest = read_json(subject)
    if manifest["volume_id"] != subject.disc.primary.volume_id:
        raise FaultError(
            f"its volume id is {manifest['volume_id']}, the disc's "
            f"{subject.disc.primary.volume_id}",
            REBUILD,
        )
    wrong = [
        f"{file['path']} is not on the disc, or is another"
        for file in manifest["files"]
        if subject.digests.get(file["path"]) != file["sha256"]
    ]
    if wrong:
        raise FaultError(first(wrong), REBUILD)
    return f"of {manifest['of']['name']}, version {manifest['version']}"


def check_medium(subject: Subject) -> str:
    """Check that it fits a DVD."""
    size, room = subject.disc.size, MEDIA[read_json(subject)["medium"]["name"]]
    if size > room:
        raise FaultError(f"{size} bytes are {size - room} more than a DVD holds", REBUILD)
    return f"{size / 1e6:.1f} MB of the {room / 1e6:.1f} MB of a DVD"
