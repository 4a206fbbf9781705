#!/usr/bin/env python3
"""The front door: `./build.py VERB`, in the project's own Python environment."""

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PACKAGES = ("jinja2", "lz4", "pexpect", "pycdlib", "elftools", "rich", "zstandard")
"""What every verb needs; `boot` and `smoke` need qemu.qmp as well, which the disc itself lacks."""


def enter_environment():  # no annotations: an old Python must get as far as the message
    """Go on in .venv, unless a virtual environment of the person's own has all that is needed."""
    python = VENV / "bin" / "python"
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    theirs = sys.prefix != sys.base_prefix and not inside
    fit = sys.version_info >= (3, 11) and all(map(importlib.util.find_spec, PACKAGES))
    if fit and (inside or theirs or not python.exists()):
        return
    if inside or not python.exists():
        sys.exit("error: the builder's Python packages are missing: run `make setup`")
    os.execv(str(python), [str(python), str(HERE / "build.py"), *sys.argv[1:]])


if __name__ == "__main__":
    enter_environment()
    from democd.cli import main

    sys.exit(main(sys.argv[1:]))
