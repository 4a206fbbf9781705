"""Test kernels in XTF's manner: found by their .cfg, packed for dom0; and what is kept of a run."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from democd.errors import Mistakes
from democd.host.qemu import Drive, Machine
from democd.smoke.keep import script
from democd.smoke.steps import Need, Trial
from democd.smoke.xtf import BLOCK, guest_cases, images_in, pack


def lay(folder: Path, name: str, conf: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"\x7fELF" + name.encode() * 1000)
    (folder / f"{name}.cfg").write_text(conf)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tests"
    lay(
        top / "example", "test-pv64-example",
        'name="test-pv64-example"\nmemory=128\nloader=""\n'
        'kernel="/opt/xtf/tests/example/test-pv64-example"\n',
    )  # fmt: skip
    lay(
        top / "other", "test-pvh64-other",
        "type = 'pvh'\nkernel = '/opt/xtf/tests/other/test-pvh64-other'\n",
    )  # fmt: skip
    lay(top / "other", "test-hvm64-other", 'builder="hvm"\nkernel="test-hvm64-other"\n')
    return top


def test_images_are_found_below_a_folder_whatever_their_prefix(tree: Path) -> None:
    images = {image.name: image for image in images_in(tree)}
    assert {name: image.kind for name, image in images.items()} == {
        "test-pv64-example": "pv", "test-pvh64-other": "pvh", "test-hvm64-other": "hvm",
    }  # fmt: skip
    conf = images["test-pv64-example"].conf
    assert 'name = "test-pv64-example"' in conf
    assert 'kernel = "/tmp/images/test-pv64-example.kernel"' in conf
    assert "memory=128" in conf
    assert "/opt/xtf" not in conf


def test_all_that_is_wrong_is_told_at_once(tree: Path) -> None:
    (tree / "example/test-pv64-example").unlink()
    lay(tree / "again", "test-pvh64-other", 'kernel="test-pvh64-other"')
    with pytest.raises(Mistakes) as caught:
        images_in(tree)
    assert len(caught.value.mistakes) == 2


def test_dom0_gets_them_as_a_cd(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "images.tar"
    pack(images_in(tree), target)
    assert target.stat().st_size % BLOCK == 0
    with tarfile.open(target) as tar:
        names = tar.getnames()
        assert names[-1] == "READY", "all is there once this is"
        assert "test-pv64-example.kernel" in names
        conf = tar.extractfile("test-pv64-example.cfg")
        assert conf
        assert b"/tmp/images/" in conf.read()


def test_each_is_a_case_that_says_what_it_needs(tree: Path) -> None:
    first, *cases = guest_cases(images_in(tree))
    assert first.name == "dom0"
    by_name = {case.name: case.steps for case in cases}
    assert by_name["test-pv64-example"] == (Trial("/tmp/images/test-pv64-example.cfg"),)
    assert isinstance(by_name["test-pvh64-other"][0], Need)
    assert len([s for s in by_name["test-hvm64-other"] if isinstance(s, Need)]) == 2


# --- the script that starts a machine by hand -----------------------------------------------------


def test_the_script_is_shell_with_the_machines_own_options(tmp_path: Path) -> None:
    iso = tmp_path / "it's a, disc.iso"
    machine = Machine((Drive(iso),), firmware="uefi", chipset="q35", memory=777, cpus=2)
    text = script(machine)
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True)
    assert done.stderr == ""
    words = subprocess.run(
        ["sh", "-c", text.replace("qemu-system-x86_64", "printf '%s\\n'", 1)],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert "777" in words
    assert words[words.index("-smp") + 1] == "2"
    assert words[words.index("-accel") + 1] == "tcg,thread=single"
    assert any(f"file={tmp_path}/it's a,, disc.iso" in word for word in words)
    assert any("file=vars.fd" in word for word in words)
    assert any(word.startswith("stdio,") for word in words)
