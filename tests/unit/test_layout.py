"""The programs on the disc import nothing of democd: they name its paths and words themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from democd import layout
from democd.recipe import Recipe
from democd.remake import netboot
from democd.stages import initrds

OVERLAYS = ("ssh", "ip", "answers")
FETCHING = ("fetchcard",)


@pytest.fixture
def init(project: Path) -> str:
    return (project / "rootfs/init").read_text()


def test_init_knows_where_layers_and_sums_lie(init: str, project: Path) -> None:
    assert f"$cd{layout.layer_path('$layer')}" in init
    check = (project / "rootfs/check-disc").read_text()
    assert f"$cd{layout.SUMS}" in check
    assert f"-e {layout.SUMS[1:]} -e {layout.SIGNATURE[1:]}" in check


def test_init_reads_the_words_that_are_documented(init: str) -> None:
    start, end = init.index("in $(cat /proc/cmdline)"), init.index("esac", init.index("cmdline"))
    words = set(re.findall(r"^    ([a-z]+)(?:=\S*)?\)", init[start:end], re.MULTILINE))
    assert words == set(layout.COMMAND_LINE) - {*OVERLAYS, *FETCHING}


def test_what_fetches_the_disc_reads_the_rest(project: Path) -> None:
    fetching = (project / "rootfs/fetch-disc").read_text()
    assert all(f"{word}=" in fetching for word in FETCHING)
    assert f"/{netboot.SUMS}" in fetching


def test_init_can_be_any_role_by_itself(init: str, project: Path) -> None:
    own = set(re.findall(r"\brole=([a-z0-9]+)", init))
    assert own == set(Recipe(project).roles)
    assert all(role in layout.COMMAND_LINE["role"] for role in own)


def test_init_hands_over_to_the_micro_guest(init: str) -> None:
    assert '[ "$role" != micro ] || exec /micro' in init
    assert "micro" in initrds.PROGRAMS
    assert "micro:" in layout.COMMAND_LINE["role"]


def test_the_overlays_read_the_other_words(project: Path) -> None:
    units = project / "overlays/common/etc/systemd/system"
    assert "ConditionKernelCommandLine=ssh=password" in (units / "ssh-password.service").read_text()
    assert (units / "sysinit.target.wants/systemd-network-generator.service").is_symlink()  # ip=
    unattended = project / "overlays/xendemo/etc/systemd/system/unattended-install.service"
    assert "ConditionKernelCommandLine=answers\n" in unattended.read_text()
    wanted = unattended.parent / "multi-user.target.wants" / unattended.name
    assert wanted.resolve() == unattended


def test_what_is_mounted_at_usr_local_src_is_the_squashfs_of_sources(project: Path) -> None:
    """Without it the condition is not met, and nothing fails."""
    unit = project / "overlays/xendemo/etc/systemd/system/usr-local-src.mount"
    path = f"/cdrom{layout.layer_path(layout.SOURCES)}"
    assert f"\nConditionPathExists={path}\n" in unit.read_text()
    assert f"\nWhat={path}\n" in unit.read_text()
    assert (unit.parent / "multi-user.target.wants" / unit.name).resolve() == unit
