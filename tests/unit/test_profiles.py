"""Profiles: recipes of the project's own, and the smoke disc's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from democd import recipe
from democd.errors import InputError, Mistakes
from democd.recipe import Recipe


@pytest.fixture
def smoke(project: Path) -> Recipe:
    return recipe.load_profile(project, "smoke")


def test_a_profile_is_a_recipe_of_the_project(small_project: Path) -> None:
    (small_project / "profiles").mkdir()
    (small_project / "profiles/tiny.toml").write_text('[kernels]\nxen = "mine/xen.gz"\n')
    (small_project / "mine").mkdir()
    (small_project / "mine/xen.gz").touch()
    loaded = recipe.load_profile(small_project, "tiny", ["disc.media=dvd"])
    assert loaded.folder == small_project
    assert (loaded.kernels.xen, loaded.disc.media) == ("mine/xen.gz", "dvd")


def test_an_unknown_profile_is_told_with_those_there_are(project: Path) -> None:
    with pytest.raises(InputError) as caught:
        recipe.load_profile(project, "smok")
    assert caught.value.message == "there is no profile 'smok': profiles/smok.toml"
    assert caught.value.hint == "did you mean smoke? known: smoke"


def test_a_project_without_profiles_is_told(small_project: Path) -> None:
    with pytest.raises(InputError) as caught:
        recipe.load_profile(small_project, "smoke")
    assert "has none" in caught.value.hint


def test_mistakes_in_a_profile_name_its_file(small_project: Path) -> None:
    (small_project / "profiles").mkdir()
    (small_project / "profiles/odd.toml").write_text('[disc]\nmeda = "dvd"\n')
    with pytest.raises(Mistakes) as caught:
        recipe.load_profile(small_project, "odd")
    assert "profiles/odd.toml" in caught.value.mistakes[0][0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--profile", "smok"], "error: there is no profile 'smok'"),
        (["--profile", "smoke", "--recipe", "democd.toml"], "not allowed with argument"),
    ],
)
def test_the_front_door_refuses(project: Path, words: list[str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, project / "build.py", "build", *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert told in done.stderr


# --- a root in memory ----------------------------------------------------------------------------


def test_a_root_in_memory_has_no_roles(smoke: Recipe, project: Path) -> None:
    assert smoke.roles == {}
    assert recipe.load(project / "democd.toml").roles


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('[ramroot]\noverlays = ["smoke"]\n', "ramroot.overlays", "ramroot.programs makes none"),
        ('[ramroot]\nprograms = ["smoke"]\n', "ramroot.programs", "nothing starts these"),
        (
            '[ramroot]\nprograms = ["smoke"]\noverlays = ["smoke"]\n[roles]\nrescue = ["common"]\n',
            "roles.rescue",
            "there are none",
        ),
    ],
)
def test_what_does_not_go_together_is_told(
    small_project: Path, text: str, where: str, what: str
) -> None:
    (small_project / "democd.toml").write_text(text)
    with pytest.raises(Mistakes) as caught:
        recipe.load(small_project / "democd.toml")
    ((message, hint),) = caught.value.mistakes
    assert f": {where}: " in message
    assert what in message
    assert hint


# --- the smoke disc ------------------------------------------------------------------------------


def test_the_smoke_disc_shares_the_debian_root(smoke: Recipe) -> None:
    assert smoke.root == Recipe(smoke.folder).root


def test_the_smoke_disc_does_not_wait(smoke: Recipe) -> None:
    assert smoke.menu.timeout <= 1
    assert (smoke.disc.name, smoke.disc.volume_id) == ("smoke", "XENSMOKE")


@pytest.fixture
def overlay(project: Path) -> Path:
    return project / "overlays/smoke"


def test_its_guests_are_what_their_names_say(overlay: Path) -> None:
    files = {path.stem: path.read_text() for path in (overlay / "etc/xen/guests").iterdir()}
    assert set(files) == {"guest1", "guest2", "guest3", "guest4", "pvh1"}
    numbers = {name: re.findall(r"169\.254\.1\.(\d+)", text) for name, text in files.items()}
    for name, text in files.items():
        assert f'name = "{name}"' in text
        assert 'kernel = "/cdrom/boot/vmlinuz-xenU"' in text
        assert 'ramdisk = "/cdrom/boot/initrd-xenU"' in text
        assert "role=micro " in text
        assert f":{name}:eth0:off" in text
        own = "11" if name == "pvh1" else name[-1]
        assert numbers[name] == [own, "0", own]  # ip=, its gateway, and what dom0 is told
    macs = [re.findall(r"mac=(\S+),", text) for text in files.values()]
    assert len({mac for found in macs for mac in found}) == len(files)


def test_its_scripts_name_what_is_there(overlay: Path) -> None:
    assert 'vif.default.script="vif-smoke"' in (overlay / "etc/xen/xl.conf").read_text()
    assert (overlay / "etc/xen/scripts/vif-smoke").is_file()
    assert "PS1='smoke# '" in (overlay / "etc/profile").read_text()


def test_its_init_starts_the_daemons_before_the_shell(overlay: Path) -> None:
    text = (overlay / "init").read_text()
    order = ["xenfs xenfs", "step xenstored", "step xen-init-dom0", "step xenconsoled",
             "169.254.1.0/32 dev lo", "find_disc 10", "exec init"]  # fmt: skip
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_its_programs_are_on_the_list(project: Path, overlay: Path) -> None:
    listed = (project / "rootfs/programs/smoke").read_text()
    for word in re.findall(r"^ +step (\S+)", (overlay / "init").read_text(), re.MULTILINE):
        assert f"/bin/{word}\n" in listed, word
    for link in (overlay / "bin").iterdir():
        assert str(link.readlink()) == "xenstore"


def test_its_modules_are_loaded_and_listed(project: Path, overlay: Path) -> None:
    loaded = re.findall(r"modprobe -a -q (.+)", (overlay / "init").read_text())
    listed = (project / "rootfs/modules/dom0").read_text().split()
    assert loaded
    assert set(" ".join(loaded).split()) <= set(listed)
