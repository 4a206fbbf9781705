"""Which discs of smoke runs are kept: the last few, and those that a run boots from."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from democd.smoke import shelf


def put(top: Path, key: str, stack: ExitStack, age: int) -> None:
    """Take a folder as a run does, and build a disc in it so many seconds ago."""
    folder = shelf.take(top, key, stack)
    folder.mkdir(exist_ok=True)
    (folder / "smoke.iso").touch()
    os.utime(folder, (2e9 - age, 2e9 - age))


def there(top: Path) -> set[str]:
    return {path.name for path in top.iterdir() if path.is_dir()}


def test_the_last_four_are_kept(tmp_path: Path) -> None:
    for number in range(8):
        with ExitStack() as stack:
            put(tmp_path, f"run{number}", stack, 100 - number)
    assert there(tmp_path) == {"run4", "run5", "run6", "run7"}


def test_a_disc_that_is_booted_from_stays_until_its_run_ends(tmp_path: Path) -> None:
    with ExitStack() as long:
        put(tmp_path, "long", long, 1000)
        with ExitStack() as beside:
            put(tmp_path, "long", beside, 1000)  # another run of the same parts has ended
        for number in range(6):
            with ExitStack() as stack:
                put(tmp_path, f"run{number}", stack, 100 - number)
        assert (tmp_path / "long/smoke.iso").exists()
    with ExitStack() as stack:
        put(tmp_path, "next", stack, 0)
    assert there(tmp_path) == {"run3", "run4", "run5", "next"}
