"""The libraries that a program needs, against the loader's own list of them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from democd.formats import libraries


@pytest.mark.skipif(not shutil.which("ldd"), reason="ldd is not installed")
@pytest.mark.parametrize("program", ["/bin/ls", "/usr/bin/git", sys.executable])
def test_the_closure_is_what_the_loader_loads(program: str) -> None:
    listed = subprocess.run(
        ["ldd", Path(program).resolve()], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    places = {Path(path).name: Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}

    def needs_of(name: str) -> tuple[str, ...] | None:
        return libraries.needs(places[name].read_bytes()) if name in places else None

    first = libraries.needs(Path(program).read_bytes())
    closed = libraries.closure({program: first}, needs_of)
    assert set(closed.found) == places.keys()
    assert closed.missing == {}
