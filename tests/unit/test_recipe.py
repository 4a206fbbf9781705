"""The recipe: what stands in it arrives, and every mistake is told at once with its remedy."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from democd import recipe
from democd.errors import InputError, Mistakes
from democd.recipe import known_keys


def mistakes_of(folder: Path, text: str = "", *overrides: str) -> list[tuple[str, str]]:
    path = folder / "democd.toml"
    path.write_text(text)
    with pytest.raises(Mistakes) as caught:
        recipe.load(path, overrides)
    return list(caught.value.mistakes)


def test_an_empty_recipe_is_the_shipped_one(project: Path, small_project: Path) -> None:
    ours = asdict(recipe.load(project / "democd.toml"))
    empty = asdict(recipe.load(small_project / "democd.toml"))
    assert ours.pop("folder") == project
    assert empty.pop("folder") == small_project
    assert ours == empty


def test_the_shipped_recipe_names_every_key_with_its_meaning(project: Path) -> None:
    text = (project / "democd.toml").read_text()
    shipped = tomllib.loads(text)
    assert {f"{section}.{name}" for section in shipped for name in shipped[section]} == set(
        known_keys()
    )
    section, told = "", {}
    for line in text.splitlines():
        code, _, comment = line.partition("  #")
        if header := re.match(r"\[(\w+)\]", code):
            section = header[1]
            told[section] = comment.strip()
        elif key := re.match(r"(\w+) =", code):
            told[f"{section}.{key[1]}"] = comment.strip()
    for path, known in known_keys().items():
        assert told["roles" if known.section == "roles" else path] == known.doc, path


def test_values_arrive(small_project: Path) -> None:
    (small_project / "democd.toml").write_text(
        'disc = {volume_id = "MINE_2", media = "dvd"}\n'
        '[root]\nsuite = "bookworm"\nextra = ["tmux", "g++"]\n'
        "[menu]\ntimeout = -1\n"
    )
    loaded = recipe.load(small_project / "democd.toml", ["menu.default=xen-safe"])
    assert (loaded.disc.volume_id, loaded.disc.media) == ("MINE_2", "dvd")
    assert (loaded.root.suite, loaded.root.extra) == ("bookworm", ("tmux", "g++"))
    assert (loaded.menu.timeout, loaded.menu.default) == (-1, "xen-safe")
    assert loaded.console.speed == 115200


@pytest.mark.parametrize(
    ("override", "section", "name", "value"),
    [
        ("disc.version=1.10", "disc", "version", "1.10"),
        ("disc.version=2026-11-22", "disc", "version", "2026-11-22"),
        ("disc.title=A disc of mine", "disc", "title", "A disc of mine"),
        ('disc.title="Quoted"', "disc", "title", "Quoted"),
        ("disc.builder=", "disc", "builder", ""),
        ("xen.dom0_mem=1G", "xen", "dom0_mem", "1G"),
        ("layers.level = 3", "layers", "level", 3),
        ("root.extra=vim-tiny, tmux", "root", "extra", ("vim-tiny", "tmux")),
        ('root.extra=["vim-tiny"]', "root", "extra", ("vim-tiny",)),
        ("menu.more=", "menu", "more", ()),
        ("linux.options=console=tty0", "linux", "options", ("console=tty0",)),
    ],
)
def test_an_override_is_read_as_its_key_wants(
    small_project: Path, override: str, section: str, name: str, value: object
) -> None:
    loaded = recipe.load(small_project / "democd.toml", [override])
    assert getattr(getattr(loaded, section), name) == value


def test_the_last_override_wins_over_the_file(small_project: Path) -> None:
    (small_project / "democd.toml").write_text('[disc]\nmedia = "dvdd"\n')
    loaded = recipe.load(small_project / "democd.toml", ["disc.media=dvd", "disc.media=cd74"])
    assert loaded.disc.media == "cd74"


def test_a_role_of_ones_own(small_project: Path) -> None:
    loaded = recipe.load(small_project / "democd.toml", ["roles.rescue=common"])
    assert loaded.roles["rescue"] == ("common",)
    assert loaded.roles["dom0"] == ("common", "xendemo", "dom0")


@pytest.mark.parametrize(
    ("override", "wrong", "remedy"),
    [
        ("disc.meda=dvd", "unknown key", "did you mean media?"),
        ("dsc.media=dvd", "unknown key", "did you mean disc.media?"),
        ("disc.speed=9600", "unknown key", "did you mean console.speed?"),
        ("disc.volume_id=my disc", "no volume id", "1-32 of A-Z"),
        (f"disc.volume_id={'X' * 33}", "no volume id", "1-32 of A-Z"),
        ("disc.name=a/b", "file's name", "letters, digits"),
        ("disc.title=", "0 characters", "1 to 60"),
        ("disc.title=say $this", "cannot be shown", "without quotes"),
        ("disc.media=cd8", "'cd8' is not known", "did you mean cd80?"),
        ("root.suite=trixy", "'trixy' is not known", "did you mean trixie?"),
        ("root.suite=sid", "'sid' is not known", "trixie, bookworm"),
        ("root.mirror=mirror.example", "no mirror", "http://"),
        ("root.mirror=copy:/srv/debian", "no mirror", "http://"),
        ("root.components=mian", "'mian' is not known", "did you mean main?"),
        ("root.packages=base,destkop", "no package list 'destkop'", "did you mean desktop?"),
        ("root.packages=../packages/base", "no package list", "base"),
        ("root.extra=Vim", "no name of a Debian package", "lower-case"),
        ("kernels.xen=boot/xen.gz", "boot/xen.gz does not exist", "relative to"),
        ("kernels.dom0=rootfs", "rootfs is not a file", "relative to"),
        ("layers.compression=gzip", "'gzip' is not known", "zstd, xz, lz4"),
        ("layers.level=23", "23 is out of range", "from 1 to 22"),
        ("layers.level=high", "'high' is of the wrong type", "a whole number"),
        ("layers.level=true", "True is of the wrong type", "a whole number"),
        ("layers.block=100", "100 is not possible", "4, 8, 16"),
        ("initrd.xen0=disc,hardwear", "no module list 'hardwear'", "did you mean hardware?"),
        ("initrd.xenU=disc,disc", "'disc' twice", "once"),
        ("roles.dom0=common,dom1", "no overlay 'dom1'", "did you mean dom0?"),
        ("roles.gest=common", "unknown key", "did you mean guest?"),
        ("roles.Mine=common", "no name of a role", "lower-case"),
        ("console.serial=ttyS0", "'ttyS0' is not known", "com1, com2, none"),
        ("console.speed=115201", "115201 is not possible", "115200"),
        ("xen.dom0_mem=512", "no unit: Xen would read KiB", "write 512M"),
        ("xen.dom0_mem=512MB", "no size", "512M"),
        ("xen.dom0_mem=64M", "too little", "128M"),
        ("xen.options=noreboot smt=off", "command line", "one option an item"),
        ('linux.options=["quiet;reboot"]', "command line", "one option an item"),
        ("linux.options=3", "3 is of the wrong type", "a list of strings"),
        ("sources.enabled=1", "1 is of the wrong type", "true or false"),
        ("sources.enabled=yes", "'yes' is of the wrong type", "true or false"),
        ("sources.packages=Xen", "'Xen' is no name", "lower-case"),
        ("sources.xen=nowhere", "nowhere does not exist", "name a folder"),
        ("sources.history=all", "'all' is not known", "did you mean shallow?"),
        ("menu.timeout=true", "True is of the wrong type", "a whole number"),
        ("menu.timeout=-2", "-2 is out of range", "from -1"),
        ("menu.default=xan", "'xan' is not in the menu", "did you mean xen?"),
        ("menu.entries=", "the menu is empty", "one entry at least"),
        ("menu.entries=xen,xan", "no menu entry 'xan'", "did you mean xen?"),
        ("menu.more=xen", "'xen' is in menu.entries too", "one of both"),
        ("media=dvd", "no key.sub=value", "--set disc.media=VALUE"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(
    small_project: Path, override: str, wrong: str, remedy: str
) -> None:
    told = mistakes_of(small_project, "", override)
    matching = [pair for pair in told if wrong in pair[0]]
    assert matching, told
    assert matching[0][0].startswith("--set")
    assert remedy in matching[0][1]


def test_all_mistakes_are_told_at_once_and_with_their_lines(small_project: Path) -> None:
    text = """
[disc]
meda = "cd80"
volume_id = "xendemo"

[layers]
level = 99

[menue]
timeout = 5
"""
    told = mistakes_of(small_project, text, "xen.dom0_mem=512")
    lines = {re.search(r"democd\.toml:(\d+)|(--set)", what)[0] for what, _ in told}  # type: ignore[index]
    assert lines == {
        "democd.toml:3", "democd.toml:4", "democd.toml:7", "democd.toml:9", "--set"
    }  # fmt: skip
    assert len(told) == 5


def test_a_key_above_all_sections(small_project: Path) -> None:
    told = mistakes_of(small_project, 'suite = "trixie"\ndisc = "x"\n')
    assert [re.sub(r".*democd\.toml", "", what) for what, _ in told] == [
        ":1: [suite] is no section",
        ":2: disc is a section",
    ]


def test_a_default_that_the_project_does_not_have(small_project: Path) -> None:
    (small_project / "rootfs/modules/hardware").unlink()
    told = mistakes_of(small_project)
    assert len(told) == 1
    assert "initrd.xen0" in told[0][0]
    assert "disc, frontends" in told[0][1]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"[disc]\nmedia = dvd\n", r"democd\.toml:2: not TOML"),
        (b"[disc\n", r"democd\.toml:1: not TOML"),
        (b'[disc]\nmedia = "dvd"\nmedia = "cd80"\n', r"democd\.toml:3: not TOML"),
        (b'title = "\xff"\n', "not UTF-8"),
    ],
)
def test_what_is_not_toml(small_project: Path, content: bytes, wrong: str) -> None:
    (small_project / "democd.toml").write_bytes(content)
    with pytest.raises(InputError, match=wrong):
        recipe.load(small_project / "democd.toml")


def test_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        recipe.load(tmp_path / "democd.toml")
    with pytest.raises(InputError, match="cannot read"):
        recipe.load(tmp_path)
