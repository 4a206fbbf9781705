"""An image that mksquashfs has made, ended well, and that cannot be read is not one of ours."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import IO

import pytest

from democd import layering
from democd.errors import BuildError
from democd.host.run import run
from democd.recipe import Layers

WRONG = """#!/bin/sh
mksquashfs "$@" || exit
echo >>{count}
[ "$(wc -l <{count})" -gt {times} ] ||
    printf wrong | dd of="$2" bs=1 seek=96 conv=notrunc status=none
"""


@pytest.mark.parametrize("times", [0, 1, 2])
def test_what_cannot_be_read_is_made_once_more(tmp_path: Path, times: int) -> None:
    program, count, image = (tmp_path / name for name in ("program", "count", "image"))
    program.write_text(WRONG.format(count=count, times=times))
    program.chmod(0o755)

    def feed(stream: IO[bytes]) -> None:
        with layering.writer(stream) as archive:
            member = tarfile.TarInfo("file")
            member.size = 5000
            layering.add(archive, member, io.BytesIO(bytes(range(250)) * 20))

    if times == 2:
        with pytest.raises(BuildError, match="unsquashfs failed with exit code 1"):
            layering.squash_with([program], Layers(), 1, image, feed)
        return
    layering.squash_with([program], Layers(), 1, image, feed)
    assert run(["unsquashfs", "-cat", image, "file"], errors="surrogateescape").stdout
    assert len(count.read_text()) == times + 1
