import re
from dataclasses import replace
from pathlib import Path

import pytest

from democd import layout, recipe
from democd.artifacts import Kernel, Kernels
from democd.errors import BuildError, InputError, Mistakes
from democd.stages import menus

PROJECT = Path(__file__).parents[2]
OPTIONS = frozenset(
    [
        *("acpi", "com1", "com2", "console", "console_timestamps", "cpufreq", "dom0_max_vcpus"),
        *("dom0_mem", "edd", "guest_loglvl", "iommu", "loglvl", "max_cstate", "noreboot", "nosmp"),
        *("real-mode", "smt", "vga", "watchdog", "x2apic"),
    ]
)
NOWHERE = Path("nowhere")
KERNELS = Kernels(
    NOWHERE,
    "4.20.2",
    OPTIONS,
    Kernel(NOWHERE, "6.12.117+deb13-amd64", NOWHERE),
    Kernel(NOWHERE, "6.12.117+deb13-cloud-amd64", NOWHERE),
)
RECIPE = recipe.Recipe(NOWHERE)


def menu(of: recipe.Recipe = RECIPE, kernels: Kernels = KERNELS) -> str:
    return menus.render(of, kernels, "1.0", PROJECT / "grub")[layout.GRUB_CFG]


def readme(of: recipe.Recipe = RECIPE, kernels: Kernels = KERNELS, builder: str = "Ann") -> str:
    return menus.readme(of, kernels, "1.0", builder, PROJECT / "docs")


def entry(name: str, text: str) -> str:
    """Return the body of an entry."""
    match = re.search(rf"^( *)menuentry [^\n]* --id {name} {{\n(.*?)^\1}}", text, re.M | re.S)
    assert match, name
    return match[2]


def test_another_grub_can_unpack_xen_when_it_comes_to_the_menu() -> None:
    """A GRUB that has gzio in a file loads it for nobody; then xen.gz has no multiboot header."""
    texts = menus.render(RECIPE, KERNELS, "1.0", PROJECT / "grub")
    lines = texts[menus.LOOPBACK_CFG].splitlines()
    assert layout.XEN.endswith(".gz")
    assert lines.index("insmod gzio") < lines.index(f"source {layout.GRUB_CFG}")


def test_the_menu_has_the_four_entries_of_2004_in_their_order() -> None:
    titles = re.findall(r"^menuentry '([^']*)'", menu(), re.M)
    assert titles[:4] == [
        "Xen / Linux 6.12.117",
        "Xen / Linux 6.12.117 using command-line IP configuration (e edits ip=)",
        "Xen / Linux 6.12.117 in safe mode",
        "Linux 6.12.117",
    ]


def test_a_network_has_the_entries_of_the_disc_but_for_those_about_a_medium() -> None:
    text = menus.netboot(RECIPE, KERNELS, "1.0", PROJECT / "grub")[layout.NET_MENU]
    names = re.findall(r"menuentry '[^']*' --id (\S+)", text)
    assert names == ["xen", "xen-ip", "xen-safe", "linux", "graphics", "harddisk", "help"]
    loads = re.findall(r"^ *(?:multiboot2|module2|linux|initrd) .*", text, re.M)
    assert all(" $top/boot/" in line for line in loads)
    assert "dom0_mem" not in text  # the disc is in dom0's memory
    started = [line for line in loads if layout.KERNEL["xen0"] in line]
    assert all("fetch=$fetch" in line and "findiso" not in line for line in started)
    assert "fetch=" not in menu()


def test_a_default_that_is_about_a_medium_is_the_first_entry_over_a_network() -> None:
    toram = replace(RECIPE, menu=replace(RECIPE.menu, default="toram"))
    text = menus.netboot(toram, KERNELS, "1.0", PROJECT / "grub")[layout.NET_MENU]
    assert "set default='xen'" in text


def test_titles_fit_a_screen_of_80_columns() -> None:
    titles = re.findall(r"menuentry '([^']*)'", menu())
    assert max(map(len, titles)) <= 74


def test_readme_tells_of_sources_where_there_are_some() -> None:
    assert "/usr/local/src" not in readme()
    assert "/usr/local/src" in readme(replace(RECIPE, sources=recipe.Sources(enabled=True)))


def test_help_is_there_though_no_recipe_names_it() -> None:
    assert "'Help' --id help" in menu()
    named = replace(RECIPE, menu=recipe.Menu(entries=("help", "xen")))
    assert menu(named).count("--id help") == 1


def test_xen_gets_memory_and_consoles_and_dom0_its_role() -> None:
    body = entry("xen", menu())
    assert "multiboot2 /boot/xen.gz dom0_mem=max:512M com1=115200,8n1 console=com1,vga" in body
    assert "module2 /boot/vmlinuz-xen0 role=dom0 net.ifnames=0 console=hvc0 console=tty0" in body
    assert "module2 --nounzip /boot/initrd-xen0" in body


def test_plain_linux_has_no_xen() -> None:
    body = entry("linux", menu())
    assert "multiboot2" not in body
    words = "role=plain net.ifnames=0 console=ttyS0,115200 console=tty0"
    assert f"linux /boot/vmlinuz-xen0 {words}" in body


def test_the_address_to_edit_reaches_linux() -> None:
    body = entry("xen-ip", menu())
    assert re.search(r"^ *set ip=\d", body, re.M)
    assert "ip=$ip" in body


@pytest.mark.parametrize("name", ["toram", "checkmedia"])
def test_an_entry_asks_init_for_what_it_promises(name: str) -> None:
    assert re.search(rf"vmlinuz-xen0 .* {name} ", entry(name, menu()))
    assert name in layout.COMMAND_LINE


def test_the_disc_in_memory_is_not_pressed_into_dom0_mem() -> None:
    assert "dom0_mem=5" not in entry("toram", menu())


def test_no_entry_takes_an_option_that_xen_does_not_support_for_security() -> None:
    words = " ".join(options for _, options in menus.xen_lines(menu()))
    for option in ("sync_console", "allow_unsafe", "no-hap", "spec-ctrl=no"):
        assert option not in words


def test_without_a_serial_line_nothing_speaks_on_it() -> None:
    text = menu(replace(RECIPE, console=recipe.Console(serial="none")))
    assert not re.search(r"serial|com1|hvc0|ttyS", text)
    assert "console=vga" in entry("xen", text)


def test_the_second_serial_line_is_the_second_everywhere() -> None:
    text = menu(replace(RECIPE, console=recipe.Console(serial="com2", speed=9600)))
    assert "serial --unit=1 --speed=9600" in text
    assert "com2=9600,8n1 console=com2,vga" in text
    assert "console=ttyS1,9600" in text


def test_options_of_the_recipe_are_in_every_entry_and_come_last() -> None:
    text = menu(
        replace(
            RECIPE,
            xen=recipe.Xen(options=("smt=off",)),
            linux=recipe.Linux(options=("mitigations",)),
        )
    )
    xen = [line for line in text.splitlines() if line.lstrip().startswith("multiboot2")]
    linux = [line for line in text.splitlines() if "vmlinuz" in line and "echo" not in line]
    assert xen
    assert all(line.endswith(" smt=off") for line in xen)
    assert len(linux) == len(xen) + 1
    assert all(line.endswith(" mitigations") for line in linux)


def test_an_option_with_a_meaning_to_grub_is_quoted() -> None:
    text = menu(replace(RECIPE, linux=recipe.Linux(options=("a;reboot", "it's"))))
    assert r" 'a;reboot' 'it'\''s'" in text


def test_a_mistyped_option_of_the_recipe_is_refused() -> None:
    with pytest.raises(Mistakes) as caught:
        menu(replace(RECIPE, xen=recipe.Xen(options=("loglvll=all",))))
    ((message, hint),) = caught.value.mistakes
    assert "loglvll=all" in message
    assert "entry xen," in message
    assert "entry graphics" in message
    assert "4.20.2" in message
    assert "loglvl" in hint


@pytest.mark.parametrize("option", ["edd", "max_cstate"])
def test_an_entry_is_refused_where_xen_lacks_its_option(option: str) -> None:
    # edd= stands in a variable: it counts as well.
    older = replace(KERNELS, xen_options=OPTIONS - {option})
    with pytest.raises(Mistakes, match="1 mistake"):
        menu(kernels=older)


def test_the_default_is_found_in_the_submenu() -> None:
    assert "set default='xen'\n" in menu()
    assert "set default='more>toram'\n" in menu(replace(RECIPE, menu=recipe.Menu(default="toram")))


def test_a_default_that_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(InputError) as caught:
        menu(replace(RECIPE, menu=recipe.Menu(default="xne")))
    assert "xen, xen-ip" in caught.value.hint


def test_a_template_that_names_nothing_known_is_told(tmp_path: Path) -> None:
    (tmp_path / "grub.cfg.j2").write_text("{{ titel }}\n")
    with pytest.raises(BuildError, match="titel"):
        menus.render(RECIPE, KERNELS, "1.0", tmp_path)


def test_a_broken_template_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "grub.cfg.j2").write_text("x\n{% if %}\n")
    with pytest.raises(BuildError, match="line 2"):
        menus.render(RECIPE, KERNELS, "1.0", tmp_path)


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("6.12.117+deb13-amd64", "6.12.117"),
        ("6.1.0-37-amd64", "6.1.0"),
        ("6.19.0-rc3-xen0", "6.19.0-rc3"),
        ("odd", "odd"),
    ],
)
def test_the_real_version_of_a_release(release: str, version: str) -> None:
    assert menus.real_version(release) == version


def test_readme_is_plain_text_of_72_columns() -> None:
    text = readme(builder="Zoë Ångström")
    assert text.isascii()
    assert "Zoe Angstrom" in text
    assert max(map(len, text.splitlines())) <= 72


def test_readme_tells_every_word_that_the_disc_understands() -> None:
    text = readme()
    for name in layout.COMMAND_LINE:
        assert re.search(rf"^    {name} ", text, re.M), name


def test_readme_tells_only_of_entries_that_are_there() -> None:
    assert "Run from RAM" in readme()
    assert "Run from RAM" not in readme(replace(RECIPE, menu=recipe.Menu(more=())))


def test_readme_tells_no_password_that_is_not_well_known() -> None:
    assert "    xendemo\n" in readme()
    own = replace(RECIPE, login=recipe.Login(password_hash="$6$salt$hash"))
    assert "    xendemo\n" not in readme(own)


def test_readme_is_refused_where_xen_lacks_an_option_it_tells_of() -> None:
    with pytest.raises(Mistakes) as caught:
        readme(kernels=replace(KERNELS, xen_options=OPTIONS - {"watchdog"}))
    assert "README.CD" in caught.value.mistakes[0][0]


# --- the smoke disc ------------------------------------------------------------------------------

SMOKE = recipe.load_profile(PROJECT, "smoke")
SMOKE_KERNELS = replace(KERNELS, xen_options=OPTIONS | {"dom0"})


def test_the_smoke_disc_boots_xen_by_itself() -> None:
    text = menu(SMOKE)
    assert "set default='smoke'\nset timeout=1\n" in text
    assert re.findall(r"--id (\S+)", text) == ["smoke", "smoke-verbose", "help"]
    assert " noreboot" in entry("smoke", text)
    assert "dom0_mem=max:256M" in entry("smoke", text)


def test_the_smoke_disc_tells_of_no_log_in_and_no_network() -> None:
    told = readme(SMOKE, SMOKE_KERNELS)
    for text in (entry("help", menu(SMOKE)), told):
        assert "password" not in text
        assert "ip=ADDRESS::" not in text
        assert "Nobody logs in" in " ".join(text.split())
    assert "xl create /etc/xen/guests/guest1.cfg" in told
    assert "smoke# " in told
    assert "/cdrom/guests" not in told


def test_the_smoke_disc_tells_of_a_persons_own_guests() -> None:
    own = replace(SMOKE, disc=replace(SMOKE.disc, guests="xtf"))
    assert "cd /cdrom/guests && xl create" in readme(own, SMOKE_KERNELS)
