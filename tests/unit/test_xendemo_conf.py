"""Settings of `xendemo`: what a file may say, and what is told when it does not."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.building import PROJECT
from xendemo import conf
from xendemo.defaults import BUILTIN
from xendemo.errors import InputError, Mistakes

ON_DISC = PROJECT / "overlays/xendemo/etc/xen/xendemo.conf"


def load(folder: Path, text: str) -> conf.Settings:
    path = folder / "my.conf"
    path.write_text(text)
    return conf.load(str(path))


def mistakes(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(Mistakes) as caught:
        load(folder, text)
    prefix = f"{folder / 'my.conf'}: "
    assert all(what.startswith(prefix) for what, _ in caught.value.pairs)
    return [(what.removeprefix(prefix), remedy) for what, remedy in caught.value.pairs]


def test_what_a_file_leaves_out_is_as_on_the_disc(tmp_path: Path) -> None:
    assert tomllib.loads(ON_DISC.read_text()) == BUILTIN
    assert replace(load(tmp_path, ""), source="") == replace(conf.load(str(ON_DISC)), source="")


def test_the_disc_starts_guests_of_2004s_size_from_itself() -> None:
    settings = conf.load(str(ON_DISC))
    assert settings.variables["mem"].default == "96"
    assert settings.domain.kernel == "/cdrom/boot/vmlinuz-xenU"
    assert settings.domain.disk == ("{medium},raw,xvda,ro,script=block-disc",)
    assert settings.micro.disk == ()
    assert settings.micro.kernel == settings.domain.kernel
    assert "role=micro" in settings.micro.cmdline


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [variables]
        mem = { default = "128" }
        nfs_server = { help = "where /home is" }
        share = { default = "" }
        [network]
        addresses = ["192.168.77.0/24"]
        [memory]
        dom0_floor = 200
        [domain]
        cmdline = "role=guest nfs={nfs_server}:{share}"
        disk = ["{medium},raw,xvda,ro", "/root/{name}.img,raw,xvdb,w"]
        [micro]
        vcpus = 2
        [xl]
        on_crash = "preserve"
        cpu_weight = 512
        nomigrate = true
        device_tree = ["a", "b"]
        """,
    )
    assert settings.variables["mem"].default == "128"
    assert settings.variables["nfs_server"] == conf.Variable(None, "where /home is")
    assert settings.variables["name"].default == "guest#"
    assert [str(network) for network in settings.ranges] == ["192.168.77.0/24"]
    assert (settings.dom0_floor, settings.dom0_spare) == (200, 64)
    assert settings.domain.kernel == "/cdrom/boot/vmlinuz-xenU"
    assert settings.micro_defaults == {"mem": str(BUILTIN["micro"]["mem"]), "vcpus": "2"}
    assert settings.xl == {
        "on_crash": "preserve", "cpu_weight": 512, "nomigrate": 1, "device_tree": ["a", "b"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("[variabels]", "variabels: unknown section", "did you mean variables?"),
        ("domain = 3", "domain is no section", "write [domain]"),
        ("[domain]\nkernle = '/x'", "[domain] kernle: unknown setting", "did you mean kernel?"),
        ("[domain]\nkernel = 'vmlinuz'", "[domain] kernel: 'vmlinuz' is no whole path", "from /"),
        ("[domain]\nkernel = 3", "[domain] kernel: must be a string", 'write "…"'),
        ("[domain]\ncmdline = 'ä'", "[domain] cmdline: holds characters", "printable ASCII"),
        ("[domain]\ncmdline = 'a {extar}'", "[domain] {extar}: unknown variable", "mean extra?"),
        ("[domain]\ndisk = 'x'", "[domain] disk: must be a list of strings", "[] for none"),
        ("[domain]\ndisk = [3]", "[domain] disk: must be a string", 'write "…"'),
        ("[micro]\nmen = 3", "[micro] men: unknown setting", "did you mean mem?"),
        ("[micro]\nmem = 3.5", "[micro] mem: must be a string or a whole number", "compulsory"),
        ("[memory]\ndom0_floor = 100", "[memory] dom0_floor: 100 is not possible", "128 or more"),
        ("[memory]\ndom0_spare = '1'", "[memory] dom0_spare: '1' is not possible", "0 or more"),
        ("[network]\naddresses = '10.0.0.0/8'", "[network] addresses: must be a list", "networks"),
        ("[network]\naddresses = []", "[network] addresses: must be a list of networks", "/8 to"),
        ("[network]\naddresses = ['10.0.0.1/8']", "host bits set", "from /8 to /30"),
        ("[network]\naddresses = ['10.0.0.0/31']", "is no network to hand out", "from /8 to /30"),
        ("[network]\naddresses = ['fd00::/64']", "is no network", "from /8 to /30"),
        ("[network]\naddresses = ['224.1.0.0/16']", "is a multicast address", "write networks"),
        ("[network]\naddresses = ['169.254.0.0/16']", "'169.254.0.0/16'", "write networks"),
        ("[network]\naddresses = ['0.0.0.0/8']", "stands for no host", "write networks"),
        ("[xl]\nmemory = 3", "[xl] memory: xendemo writes this line", "set the variable mem"),
        ("[xl]\nvif = []", "[xl] vif: xendemo writes this line", "set the variable ip"),
        ("[xl]\n'on crash' = 'x'", "[xl] on crash: is no key of an xl file", "xl.cfg(5)"),
        ("[xl]\nx = 1.5", "[xl] x: must be a string", "write"),
        ("[variables]\nx = 3", "[variables] x: is no variable", "default = "),
        ("[variables]\nx = { defualt = 3 }", "defualt: unknown setting", "mean default?"),
        ("[variables]\nx = { default = true }", "default: must be a string or a whole", "write"),
        ("[variables]\nx = { help = 3 }", "[variables] x: is no variable", "help = "),
        ("[variables]\n'a-b' = {}", "[variables] a-b: cannot be a variable's name", "letters"),
        ("[variables]\nmedium = {}", "medium: cannot be a variable's name", "letters"),
        ("[variables]\nkernel = {}", "kernel: cannot be a variable's name", "not kernel"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(
    tmp_path: Path, text: str, what: str, remedy: str
) -> None:
    [(told, advice)] = mistakes(tmp_path, text)
    assert what in told
    assert remedy in advice


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "[domian]\n[memory]\ndom0_floor = 1\n[xl]\nname = 'x'\n[variables]\nx = 1\n"
    assert len(mistakes(tmp_path, text)) == 4


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"[domain\n", "not TOML"), (b"x = \xff\n", "not UTF-8"), (None, "No such file")],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, what: str) -> None:
    path = tmp_path / "my.conf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        conf.load(str(path))
    [(told, remedy)] = caught.value.pairs
    assert told.startswith(f"{path}: {what}")
    assert remedy


def test_a_folder_is_no_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        conf.load(str(tmp_path))
