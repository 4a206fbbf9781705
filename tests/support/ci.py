"""The CI examples: their jobs' script lines, as the CI systems would run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.support.building import PROJECT

EXAMPLES = PROJECT / "docs/ci-examples"
FILES = sorted(EXAMPLES.glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    """Return an example as its YAML says."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text())
    return content


def scripts(path: Path) -> list[str]:
    """Return the shell lines of an example's job, in the order in which they run."""
    content = read(path)
    if "jobs" in content:
        steps = [step for job in content["jobs"].values() for step in job["steps"]]
        return [line for step in steps for line in step.get("run", "").splitlines()]
    jobs = [job for job in content.values() if isinstance(job, dict) and "script" in job]
    return [line for job in jobs for line in [*job.get("before_script", []), *job["script"]]]


def smoke_lines(path: Path) -> list[str]:
    """Return the lines from the first that makes a folder for results on: Xen is built by then."""
    lines = scripts(path)
    return lines[lines.index("mkdir -p smoke") :]
