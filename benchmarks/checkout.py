"""A copy of the project to build in and to edit: the person's own files stay as they are."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import FOLDER, TOP
from democd import debian_root
from democd import recipe as recipes
from democd.artifacts import Root
from democd.host.progress import Reporter
from democd.host.run import run
from democd.package_lists import package_names
from democd.pipeline import build as build_disc
from democd.recipe import Recipe
from democd.stages.master import Result
from democd.supply import Supply
from democd.workspace import Workspace

PARTS = ("build.py", "democd", "democd.toml", "docs", "grub", "overlays", "profiles", "rootfs")

NO_NETWORK = ("unshare", "--net")


@dataclass(frozen=True)
class Checkout:
    """The copy, and folders of its own for what it builds."""

    folder: Path = FOLDER / "project"
    work: Path = FOLDER / "democd"
    output: Path = FOLDER / "dist"

    def lay(self) -> None:
        """Copy the project as it is now; what was built is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in PARTS:
            source = TOP / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, self.folder / name, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(source, self.folder / name)

    def forget(self) -> None:
        """Remove all that was built."""
        for folder in (self.work, self.output):
            shutil.rmtree(folder, ignore_errors=True)

    def forget_steps(self) -> None:
        """Remove all that was built; packages that were fetched are kept."""
        shutil.rmtree(self.work / "steps", ignore_errors=True)

    def build(self, *options: str | Path, network: bool = True) -> float:
        """Run `./build.py`, as a person does, and return the seconds that it took."""
        alone = () if network else NO_NETWORK
        return self._run("build", "--output-dir", self.output, *options, alone=alone)

    def lock(self) -> None:
        """Write democd.lock, of the packages that the mirror has now."""
        self._run("lock")

    def _run(self, verb: str, *options: str | Path, alone: Sequence[str] = ()) -> float:
        words: list[str | Path] = [sys.executable, self.folder / "build.py", verb, "--quiet"]
        begun = time.monotonic()
        run([*alone, *words, "--build-dir", self.work, *options], cwd=self.folder)
        return time.monotonic() - begun

    def append(self, name: str, line: str) -> None:
        """Edit a file: add a line at its end."""
        with (self.folder / name).open("a") as stream:
            stream.write(line + "\n")

    @property
    def recipe(self) -> Recipe:
        """The copy's recipe."""
        return recipes.load(self.folder / "democd.toml", [])

    def result(self) -> Result:
        """Build in this process, for the sake of what the parts are; quick where they are kept."""
        return build_disc(
            self.recipe,
            workspace=Workspace(self.work),
            output=self.output,
            reporter=Reporter(quiet=True),
        )

    def root(self) -> Root:
        """Return the Debian root, which is made where it is not kept."""
        workspace = Workspace(self.work)
        with workspace.locked():
            return debian_root.make(self.recipe, workspace, Reporter(quiet=True), Supply())

    def packages(self) -> list[str]:
        """Return the names in the package lists."""
        return package_names(self.recipe, self.folder / "rootfs")
