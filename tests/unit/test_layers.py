"""What lies in the layers: owners and modes, who may log in, what is switched off."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from democd import layering
from democd.artifacts import Kernel, Kernels, Root
from democd.errors import InputError
from democd.inputs import Made, tree_digest
from democd.recipe import WELL_KNOWN_HASH, Login, Recipe
from democd.stages import layers

DATE = 1_700_000_000
OWN_HASH = "$6$salt$0123456789012345678901234567890123456789"


@pytest.fixture
def system(tmp_path: Path) -> Root:
    parts = tmp_path / "parts"
    (parts / "etc").mkdir(parents=True)
    (parts / "boot").mkdir()
    (parts / "etc/shadow").write_text(
        "root:*:20000:0:99999:7:::\ndaemon:x:20000:0:99999:7:::\nuser:!:20000:0:99999:7:::\n"
    )
    return Root(Made(tmp_path, "key"), tmp_path / "root.tar", parts, (), DATE)


def found(top: Path, **kwargs: object) -> dict[str, tuple[int, int, int, bytes]]:
    given: dict[str, object] = {"extra": {}, "special": {}, "date": DATE} | kwargs
    return {
        member.name: (member.mode, member.uid, member.gid, content)
        for member, content in layering.members(top, **given)  # type: ignore[arg-type]
    }


def test_modes_come_from_git_not_from_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/tool").touch(mode=0o700)
        (tmp_path / "etc").write_text("")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "bin/tool").stat().st_mode) == 0o700
    assert found(tmp_path) == {
        "bin": (0o755, 0, 0, b""),
        "bin/tool": (0o755, 0, 0, b""),
        "etc": (0o644, 0, 0, b""),
    }


def test_programs_that_were_run_leave_no_trace_on_the_disc(tmp_path: Path) -> None:
    (tmp_path / "tool.py").touch()
    before = tree_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/tool.cpython-313.pyc").write_bytes(b"made here")
    assert list(found(tmp_path)) == ["tool.py"]
    assert tree_digest(tmp_path) == before


def test_special_owners_and_modes_are_in_one_table(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("# a comment\ncommon etc/shadow 0640 0 42  # why\n")
    table = layers.permissions(tmp_path / "table")
    assert table == {"common": {"etc/shadow": (0o640, 0, 42)}}
    top = tmp_path / "common"
    top.mkdir()
    shadow = found(top, extra={"etc/shadow": b"x"}, special=table["common"])["etc/shadow"]
    assert shadow == (0o640, 0, 42, b"x")


def test_a_wrong_line_of_that_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("common etc/shadow rw- root shadow\n")
    with pytest.raises(InputError, match="MODE UID GID"):
        layers.permissions(tmp_path / "table")


def test_every_time_in_a_layer_is_the_discs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    times = {member.mtime for member, _ in layering.members(tmp_path, {}, {}, DATE)}
    assert times == {DATE}


def test_only_root_and_user_have_a_password(system: Root) -> None:
    lines = layers.shadow(system, Recipe(Path())).decode().splitlines()
    fields = [line.split(":") for line in lines]
    assert {name: secret for name, secret, *_ in fields} == {
        "root": WELL_KNOWN_HASH,
        "daemon": "*",
        "user": WELL_KNOWN_HASH,
    }
    assert {line[2] for line in fields} == {str(DATE // 86400)}, "no clock shows"


def test_a_password_of_ones_own_opens_sshd_and_ends_the_hint(system: Root) -> None:
    own = layers.login_files(system, Recipe(Path(), login=Login(password_hash=OWN_HASH)))
    assert own[layers.OWN_PASSWORD] == b"PasswordAuthentication yes\n"
    assert own[layers.PASSWORD_HINT] is None
    well_known = layers.login_files(system, Recipe(Path()))
    assert set(well_known) == {layers.SHADOW}


def test_a_file_can_be_left_out_of_a_layer(tmp_path: Path) -> None:
    (tmp_path / "hint").write_text("x")
    assert found(tmp_path, extra={"hint": None}) == {}


def test_units_and_generators_are_switched_off_where_systemd_looks(tmp_path: Path) -> None:
    (tmp_path / "masked.txt").write_text(
        "common a.service # why\ncommon a-generator\ndom0 b.timer\n"
    )
    assert layers.masks(tmp_path, "common") == {
        "etc/systemd/system/a.service": "/dev/null",
        "etc/systemd/system-generators/a-generator": "/dev/null",
    }


def test_there_are_links_to_the_kernels_that_lie_on_the_disc(system: Root, tmp_path: Path) -> None:
    boot = system.parts / "boot"
    kernels = Kernels(
        xen=tmp_path / "elsewhere/xen.gz",  # a developer's own: not in the root
        xen_version="4.20",
        xen_options=frozenset(),
        dom0=Kernel(boot / "vmlinuz-6.12-amd64", "6.12-amd64", tmp_path),
        guest=Kernel(boot / "vmlinuz-6.12-cloud", "6.12-cloud", tmp_path),
    )
    assert layers.boot_links(system, kernels) == {
        "boot/vmlinuz-6.12-amd64": "/cdrom/boot/vmlinuz-xen0",
        "boot/vmlinuz-6.12-cloud": "/cdrom/boot/vmlinuz-xenU",
    }
