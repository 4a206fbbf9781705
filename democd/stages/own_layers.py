"""Layers of what the person brings: Xen's tools, and the modules of their kernels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from democd import drivers, layering, layout
from democd.artifacts import Kernels, Layer, Root, Tools
from democd.inputs import tree
from democd.layering import Source
from democd.recipe import Layers, Recipe
from democd.workspace import Workspace

CODE = [Path(__file__), Path(layering.__file__)]


def build(
    workspace: Workspace, recipe: Recipe, root: Root, kernels: Kernels, tools: Tools | None
) -> dict[str, tuple[Layer, ...]]:
    """Return what each kernel, `xen0` and `xenU`, has between base and the layers of every role.

    Its initrd stacks them, so the roles need not know. Xen's tools go to xen0, for it is dom0's;
    a kernel of the root has no modules here, for they are in base.
    """
    settings = recipe.layers
    layers: dict[str, tuple[Layer, ...]] = {}
    made: dict[Path, Layer] = {}
    for name, kernel in (("xen0", kernels.dom0), ("xenU", kernels.guest)):
        layers[name] = ()
        if not kernel.modules.is_relative_to(root.parts):
            if kernel.modules not in made:
                files = module_tree(kernel.modules, kernel.release)
                title = layout.OWN_MODULES[name]
                made[kernel.modules] = _layer(workspace, settings, root, title, files)
            layers[name] = (made[kernel.modules],)
    if tools:
        laid = {path.relative_to(tools.root).as_posix(): path for path in tree(tools.root)}
        layer = _layer(workspace, settings, root, layout.OWN_TOOLS, laid)
        layers["xen0"] = (layer, *layers["xen0"])
    return layers


def module_tree(folder: Path, release: str) -> dict[str, Source]:
    """Return the files of a layer with a kernel's modules and their indexes, by path.

    Not the links `build` and `source`: they lead to where the kernel was built.
    """
    files = [*drivers.module_files(folder), *folder.glob("modules.*")]
    top = f"usr/lib/modules/{release}"
    return {f"{top}/{path.relative_to(folder).as_posix()}": path for path in sorted(files)}


def _layer(
    workspace: Workspace, settings: Layers, root: Root, name: str, files: Mapping[str, Source]
) -> Layer:
    inputs = {
        "files": {name: _content(source) for name, source in files.items()},
        "settings": vars(settings),
        "root": root.made,
        "code": CODE,
    }

    def make(folder: Path) -> None:
        content = layering.placed(files, {}, root.date)
        layering.write(root, settings, folder / f"{name}.squashfs", content)

    made = workspace.step(f"layer-{name}", inputs, make)
    return Layer(name, made.path / f"{name}.squashfs", made)


def _content(source: Source) -> object:
    """Return what a layer's file is for the key; a link by its target, which need not be there."""
    if isinstance(source, Path) and source.is_symlink():
        return ["link", str(source.readlink())]
    return "folder" if isinstance(source, Path) and source.is_dir() else source
