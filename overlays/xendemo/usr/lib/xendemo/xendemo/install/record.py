"""What an installation onto an existing Linux has left there: /boot/xendemo/installed.json."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field

FOLDER = "/boot/xendemo"
PATH = f"{FOLDER}/installed.json"
ORIGINAL = f"{FOLDER}/original"
GENERATED = f"{FOLDER}/grub.cfg"  # what the target's own generator wrote
FORMAT = 1
MODULES = re.compile(r"/?(usr/)?lib/modules/(?!\.\.?$)[^/]+")


@dataclass(frozen=True)
class Changed:
    """A file that was there before.

    Args:
        path: as the target itself calls it.
        before: SHA-256 of what it was; a copy of that, owner, mode and times too, lies in
            ORIGINAL under the same path. "" if there is none, since others have changed it too.
        after: SHA-256 of what we made of it; "" if the generator did, see GENERATED.
    """

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Record:
    """All that was done.

    Args:
        complete: the last step but this record was done.
        version: of the disc.
        kernel: release.
        loader: grub2 or legacy.
        tool: the target's generator of grub.cfg, "" if it was changed by hand.
        added: files outside of FOLDER and the modules: path to SHA-256.
        changed: files that were there before.
        modules: folders lib/modules/RELEASE that are ours; what we put into each is listed in
            FOLDER, see `list_of`.
        folders: the folders of those, where they were not there before.
    """

    complete: bool
    version: str
    kernel: str
    loader: str
    tool: str
    added: dict[str, str] = field(default_factory=dict)
    changed: tuple[Changed, ...] = ()
    modules: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def of(self, path: str) -> Changed | None:
        """Return what is recorded of a file that was there before."""
        return next((changed for changed in self.changed if changed.path == path), None)


def list_of(folder: str) -> str:
    """Return where the files of a folder of modules are listed, a path a line."""
    return f"{FOLDER}/{folder.rpartition('/')[2]}.list"


def write(record: Record) -> bytes:
    """Return a record as it is kept."""
    return (json.dumps({"format": FORMAT, **asdict(record)}, indent=1) + "\n").encode()


def read(data: bytes) -> Record:
    """Return a record.

    Raises:
        ValueError: it is none, or one of a later release.
    """
    try:
        fields = dict(json.loads(data))
        if fields.pop("format") != FORMAT:
            raise ValueError("its format is not known here")
        fields["changed"] = tuple(Changed(**entry) for entry in fields["changed"])
        fields["modules"] = tuple(fields["modules"])
        for folder in fields["modules"]:  # which a removal would empty
            if not MODULES.fullmatch(folder):
                raise ValueError(f"{folder} is no folder of modules")
        fields["folders"] = tuple(fields.get("folders", ()))
        for folder in fields["folders"]:
            if not MODULES.fullmatch(f"{folder}/any"):
                raise ValueError(f"{folder} is no folder of modules")
        return Record(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"it cannot be read: {error}") from None
