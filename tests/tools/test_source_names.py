"""Long names of source packages, as other programs read them from a disc that does not boot."""

from __future__ import annotations

import subprocess
from pathlib import Path

from democd.formats import iso

STEM = "golang-github-foo-bar_0.0~git20240102.1a2b3c4+dfsg1+really0.9~rc2-1~deb13u1+b1"
NAMES = [f"{STEM}.debian.tar.xz", f"{STEM}.orig-vendor.tar.xz", f"{STEM}.orig.tar.xz.asc"]


def said(*argv: str | Path) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_long_names_survive(tmp_path: Path) -> None:
    contents: dict[str, Path | bytes] = {f"/pool/{STEM}/{name}": name.encode() for name in NAMES}
    target = tmp_path / "names.iso"
    volume = iso.Volume("NAMES", "who", "with", "what", 1_760_000_000)
    with target.open("wb+") as stream:
        iso.write(stream, volume, contents, None, lambda done, total: None)
    said("xorriso", "-osirrox", "on:auto_chmod_on", "-indev", target, "-extract", "/",
         tmp_path / "tree")  # fmt: skip
    for name in NAMES:
        assert (tmp_path / "tree/pool" / STEM / name).read_text() == name
    paths = said("isoinfo", "-R", "-f", "-i", target).splitlines()
    assert set(contents) <= set(paths)
    # Joliet, for Windows, has 64 characters; cut names must still be three.
    cut = [path for path in said("isoinfo", "-J", "-f", "-i", target).splitlines() if "~" in path]
    assert len({path.casefold() for path in cut}) == len(NAMES) + 1
    assert max(len(part) for path in cut for part in path.split("/")) == iso.JOLIET_NAME_MAX
