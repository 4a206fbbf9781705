"""A small disc as it is mounted: files and their sums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path


def lay(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files, by path on the disc, and SHA256SUMS of them; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sums = (f"{hashlib.sha256(it).hexdigest()}  {name}\n" for name, it in files.items())
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder
