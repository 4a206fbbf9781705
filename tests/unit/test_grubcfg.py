from democd.verify.grubcfg import command_names, named_files, titles

MENU = """\
# multiboot2 /in/a/comment
set timeout=5
set kernel=/boot/vmlinuz
if [ "$grub_platform" = efi ]; then set extra="a b"; else set extra=; fi
menuentry 'Xen / Linux' --id xen {
  echo 'Loading; multiboot2 /in/quotes'
  multiboot2 /boot/xen.gz dom0_mem=512M $extra
  module2 $kernel role=dom0
  module2 --nounzip ($root)/boot/initrd
}
submenu "More" {
  menuentry "Linux \\"plain\\"" { linux ${kernel}-x ; initrd /boot/a /boot/b }
  menuentry 'Disk' --id disk {
    for loader in (hd*,*)/EFI/x.efi; do
      chainloader "$loader"
    done
    configfile (hd0,gpt2)/boot/grub/grub.cfg
    chainloader +1
  }
}
source $prefix/more.cfg
"""


def test_paths_of_the_disc_in_order() -> None:
    assert [(named.entry, named.command, named.path) for named in named_files(MENU)] == [
        ("Xen / Linux", "multiboot2", "/boot/xen.gz"),
        ("Xen / Linux", "module2", "/boot/vmlinuz"),
        ("Xen / Linux", "module2", "/boot/initrd"),
        ('Linux "plain"', "linux", "/boot/vmlinuz-x"),
        ('Linux "plain"', "initrd", "/boot/a"),
        ('Linux "plain"', "initrd", "/boot/b"),
        ("", "source", "/boot/grub/more.cfg"),
    ]


def test_lines_are_told() -> None:
    assert named_files(MENU)[0].line == 7


def test_unknown_variables_stay_visible() -> None:
    assert [named.path for named in named_files("linux $nowhere/vmlinuz")] == ["$nowhere/vmlinuz"]


def test_titles() -> None:
    assert titles(MENU) == ["Xen / Linux", 'Linux "plain"', "Disk"]


def test_commands() -> None:
    assert command_names("if true; then set a=b; else reboot; fi\nfor x in a; do ls; done") == {
        "true", "set", "reboot", "ls",
    }  # fmt: skip
