"""The house has floors, and imports go down only (docs/ARCHITECTURE.md)."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.building import PROJECT

FLOORS = {
    "cli": 1,
    "pipeline": 2,
    "burn": 2,
    "remake": 2,
    "source_disc": 2,
    "verify": 2,
    "inspect_file": 2,
    "smoke": 2,
    "report": 2,
    "test_kernel": 2,
    "locking": 2,
    "debian_root": 3,
    "stages": 4,
    "recipe": 5,
    "artifacts": 5,
    "boots": 5,
    "differing": 5,
    "holdings": 5,
    "previous": 5,
    "records": 5,
    "inputs": 5,
    "workspace": 5,
    "digests": 5,
    "sums": 5,
    "layout": 5,
    "identity": 5,
    "fitness": 5,
    "drivers": 5,
    "layering": 5,
    "install_tree": 5,
    "manifest": 5,
    "origins": 5,
    "source_layout": 5,
    "source_listing": 5,
    "sizes": 5,
    "spdx": 5,
    "git_address": 5,
    "source_tree": 5,
    "archives": 5,
    "basis": 5,
    "apt_trouble": 5,
    "lockfile": 5,
    "package_cache": 5,
    "package_lists": 5,
    "supply": 5,
    "formats": 6,
    "host": 6,
    "errors": 7,
    "__init__": 7,  # the version
}
NEIGHBOURS = 5  # the floor whose rooms know each other: the values that everything is told in
STARTERS = {"subprocess", "pty", "multiprocessing"}
ROOMS = {f"democd.{name}" for name in FLOORS}


def room(module: str) -> str:
    """The part of democd that a module belongs to: `host` of democd.host.run."""
    return [*module.split("."), "__init__"][1]


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((PROJECT / "democd").rglob("*.py")):
        parts = path.relative_to(PROJECT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(source: str, known: set[str]) -> set[str]:
    """Full names of all that a source imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            base = node.module or ""
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                names.add(inner if inner in known or inner in ROOMS else base)
    return names


def wrong_imports(name: str, imported: set[str]) -> list[str]:
    """What a module may not import, each as a sentence."""
    here = room(name)
    wrong = []
    for other in sorted(imported):
        there = room(other)
        if other.split(".")[0] != "democd":
            if here != "host" and other.split(".")[0] in STARTERS:
                wrong.append(f"{name} starts programs itself ({other}): only host/ does")
        elif FLOORS[there] < FLOORS[here]:
            wrong.append(f"{name} imports {other}, which is above it")
        elif here == there == "stages" and other not in (name, "democd.stages"):
            wrong.append(f"{name} imports {other}: no stage imports another")
        elif FLOORS[there] == FLOORS[here] not in (NEIGHBOURS, FLOORS["errors"]) and here != there:
            wrong.append(f"{name} imports {other}, which is beside it")
    return wrong


def test_every_module_has_its_floor() -> None:
    assert {room(name) for name in modules()} <= set(FLOORS)


def test_imports_go_down_only() -> None:
    known = set(modules())
    wrong = [
        sentence
        for name, path in modules().items()
        for sentence in wrong_imports(name, imports(path.read_text(), known))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_test_sees_a_wrong_import() -> None:
    known = {"democd.stages.root", "democd.host.run", "democd.stages", "democd.recipe"}

    def judge(name: str, source: str) -> int:
        return len(wrong_imports(name, imports(source, known)))

    assert judge("democd.recipe", "def f():\n    from democd import pipeline, cli") == 2
    assert judge("democd.stages.menus", "from democd.stages import root") == 1
    assert judge("democd.stages.menus", "from democd.stages.root import build") == 1
    assert judge("democd.formats.iso", "from democd.host.run import run\nimport subprocess") == 2
    assert judge("democd.smoke.boot", "import democd.pipeline") == 1
    assert (
        judge("democd.pipeline", "from democd.stages import root\nfrom democd import recipe") == 0
    )


def test_programs_of_the_disc_import_nothing_of_the_builder() -> None:
    for path in [*(PROJECT / "overlays").rglob("*"), *(PROJECT / "rootfs").rglob("*")]:
        if path.is_file() and b"python" in (data := path.read_bytes()).partition(b"\n")[0]:
            names = imports(data.decode(), set())
            assert not [name for name in names if name.startswith("democd")], path


def test_modules_stay_short() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > 330} == {}
