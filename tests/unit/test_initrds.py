import gzip
import lzma
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from democd import recipe
from democd.artifacts import Kernel, Kernels, RamRoot, Root
from democd.errors import BuildError, Mistakes
from democd.formats import cpio
from democd.inputs import Made
from democd.stages import initrds
from democd.workspace import Workspace

PACKED = {
    "a.ko.xz": lzma.compress(b"module a"),
    "b.ko.gz": gzip.compress(b"module b"),
    "c.ko.zst": zstandard.compress(b"module c"),
    "d.ko": b"module d",
}


class Bench:
    """A small root and project, and the initrd made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        modules = folder / "parts/usr/lib/modules/6.1"
        (modules / "kernel").mkdir(parents=True)
        for name, data in PACKED.items():
            (modules / "kernel" / name).write_bytes(data)
        (modules / "modules.dep").write_text(
            "kernel/a.ko.xz: kernel/b.ko.gz\nkernel/b.ko.gz:\nkernel/c.ko.zst:\nkernel/d.ko:\n"
        )
        (modules / "modules.builtin").write_text("kernel/fs/inside.ko\n")
        (folder / "parts/usr/bin").mkdir()
        (folder / "parts/usr/bin/busybox").write_bytes(b"ELF")
        (folder / "rootfs/modules").mkdir(parents=True)
        for program in (*initrds.PROGRAMS.values(), *initrds.NET_PROGRAMS.values()):
            (folder / program).parent.mkdir(parents=True, exist_ok=True)
            (folder / program).write_text("#!/bin/sh\n")
        self.list("disc", "a  # needs b\n\n# nothing here\ninside\nd\n")
        kernel = Kernel(folder / "vmlinuz", "6.1", modules)
        self.kernels = Kernels(folder / "xen.gz", "4.20", frozenset(), kernel, kernel)
        made = Made(folder, "key")
        self.root = Root(made, folder / "root.tar", folder / "parts", (), 1_700_000_000)
        self.ram = initrds.NO_RAM_ROOT
        self.recipe = recipe.Recipe(folder, initrd=recipe.Initrd(xen0=("disc",), xenU=("disc",)))

    def list(self, name: str, text: str) -> None:
        (self.folder / "rootfs/modules" / name).write_text(text)

    def bytes(self, where: str = "build") -> bytes:
        workspace = Workspace(self.folder / where)
        with workspace.locked():
            return initrds.build(
                workspace, self.recipe, self.root, self.kernels, self.folder, "xen0", self.ram
            ).path.read_bytes()

    def files(self) -> dict[str, cpio.Entry]:
        archive = zstandard.ZstdDecompressor().decompressobj().decompress(self.bytes())
        return {entry.name: entry for entry in cpio.unpack(archive)}

    def network(self) -> dict[str, cpio.Entry]:
        """What a network boot has behind that."""
        workspace = Workspace(self.folder / "build")
        with workspace.locked():
            path = initrds.build_net(workspace, self.recipe, self.root, self.kernels, self.folder)
        archive = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
        return {entry.name: entry for entry in cpio.unpack(archive)}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_holds_what_init_needs(bench: Bench) -> None:
    files = bench.files()
    assert files["init"].mode == 0o100755
    assert files["micro"].mode == files["bin/guest-network"].mode == 0o100755
    assert files["bin/busybox"].data == b"ELF"
    assert files["bin/sh"].data == b"busybox"
    assert files["etc/volume_id"].data == b"XENDEMO\n"
    assert b"dom0 common xendemo dom0\n" in files["etc/roles"].data
    assert {"dev", "proc", "sys", "run", "dev/console"} <= files.keys()


def test_modules_are_unpacked_and_indexed(bench: Bench) -> None:
    files = bench.files()
    top = "lib/modules/6.1"
    assert files[f"{top}/kernel/a.ko"].data == b"module a"
    assert files[f"{top}/kernel/b.ko"].data == b"module b"
    assert files[f"{top}/kernel/d.ko"].data == b"module d"
    assert f"{top}/kernel/c.ko" not in files
    assert files[f"{top}/modules.dep"].data == (
        b"kernel/a.ko: kernel/b.ko\nkernel/b.ko:\nkernel/d.ko:\n"
    )
    assert files[f"{top}/modules.builtin"].data == b"kernel/fs/inside.ko\n"


def test_for_a_network_there_are_more_modules_and_the_index_of_all(bench: Bench) -> None:
    bench.list("network", "c?\na?\nzzzzzz?\n")
    files = bench.network()
    top = "lib/modules/6.1"
    assert {name for name in files if name.endswith(".ko")} == {f"{top}/kernel/c.ko"}
    assert files[f"{top}/modules.dep"].data == (
        b"kernel/a.ko: kernel/b.ko\nkernel/b.ko:\nkernel/c.ko:\nkernel/d.ko:\n"
    )
    assert files["bin/fetch-disc"].mode == files["bin/dhcp-lease"].mode == 0o100755
    assert "init" not in files


def test_zstd_modules_are_unpacked(bench: Bench) -> None:
    bench.list("disc", "c\n")
    assert bench.files()["lib/modules/6.1/kernel/c.ko"].data == b"module c"


def test_every_unknown_module_is_told_at_once(bench: Bench) -> None:
    bench.list("disc", "a\ninsde\nzzzzzz\n")
    with pytest.raises(Mistakes) as caught:
        bench.bytes()
    assert caught.value.mistakes[0] == (
        "rootfs/modules/disc: Linux 6.1 has no insde",
        "did you mean inside?",
    )
    assert "zzzzzz" in caught.value.mistakes[1][0]


def test_a_module_with_a_question_mark_is_taken_where_it_is_there(bench: Bench) -> None:
    bench.list("disc", "d?\nzzzzzz?\n")
    names = {name.rpartition("/")[2] for name in bench.files()}
    assert "d.ko" in names
    assert not any("zzzzzz" in name for name in names)


def test_a_missing_list_is_told_with_those_that_are_there(bench: Bench) -> None:
    bench.recipe = replace(bench.recipe, initrd=recipe.Initrd(xen0=("dics",)))
    with pytest.raises(Mistakes) as caught:
        bench.bytes()
    assert "dics" in caught.value.mistakes[0][0]
    assert caught.value.mistakes[0][1] == "lists: disc"


def test_a_root_without_busybox_is_told(bench: Bench) -> None:
    (bench.root.parts / "usr/bin/busybox").unlink()
    with pytest.raises(BuildError) as caught:
        bench.bytes()
    assert "busybox-static" in caught.value.hint


def test_a_damaged_module_is_told(bench: Bench) -> None:
    (bench.kernels.dom0.modules / "kernel/a.ko.xz").write_bytes(PACKED["a.ko.xz"][:20])
    with pytest.raises(BuildError, match=r"a\.ko\.xz"):
        bench.bytes()


def test_modules_without_an_index_are_told(bench: Bench) -> None:
    (bench.kernels.dom0.modules / "modules.dep").unlink()
    with pytest.raises(BuildError, match=r"modules\.dep"):
        bench.bytes()


def test_same_inputs_same_bytes_in_another_folder(bench: Bench) -> None:
    assert bench.bytes("one") == bench.bytes("two")


def test_a_root_in_memory_lies_over_it(bench: Bench) -> None:
    own, settings = bench.folder / "own-init", bench.folder / "settings"
    own.write_text("#!/bin/sh\nexec sh\n")
    own.chmod(0o700)
    settings.write_text("a = 1\n")
    settings.chmod(0o600)
    bench.ram = RamRoot({"init": own, "etc/xen/xl.conf": settings}, {"bin/xl": "/opt/xl"})
    files = bench.files()
    assert (files["init"].mode, files["init"].data) == (0o100755, own.read_bytes())
    assert files["etc/xen/xl.conf"].mode == 0o100644
    assert files["bin/xl"].data == b"/opt/xl"
    assert files["bin/sh"].data == files["bin/busybox"].name.rpartition("/")[2].encode()
    assert "lib/modules/6.1/kernel/a.ko" in files


def test_another_root_in_memory_makes_another_initrd(bench: Bench) -> None:
    own = bench.folder / "own"
    own.write_text("one")
    bench.ram = RamRoot({"own": own}, {})
    seen = {bench.bytes()}
    own.write_text("two")
    seen.add(bench.bytes())
    own.chmod(0o755)
    seen.add(bench.bytes())
    bench.ram = RamRoot({"own": own}, {"link": "own"})
    assert len({*seen, bench.bytes()}) == 4


def test_a_changed_init_or_volume_makes_another_initrd(bench: Bench) -> None:
    before = bench.bytes()
    (bench.folder / "rootfs/init").write_text("#!/bin/sh\nexec sh\n")
    changed = bench.bytes()
    bench.recipe = replace(bench.recipe, disc=recipe.Disc(volume_id="OTHER"))
    assert len({before, changed, bench.bytes()}) == 3
