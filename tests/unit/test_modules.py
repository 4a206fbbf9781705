from democd.formats import modules

DEP = """\
kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/fs/mbcache.ko.xz
kernel/fs/jbd2/jbd2.ko.xz: kernel/fs/mbcache.ko.xz
kernel/fs/mbcache.ko.xz:
kernel/crypto/crc32c-intel.ko.xz:
kernel/crypto/crc32c_generic.ko.xz:
kernel/usb/ehci-pci.ko.xz: kernel/usb/ehci-hcd.ko.xz
kernel/usb/ehci-hcd.ko.xz:
kernel/usb/uhci-hcd.ko.xz:
kernel/char/ipmi.ko.xz:
kernel/char/ipmi_devintf.ko.xz:
"""
BUILTIN = "kernel/drivers/block/virtio_pci.ko\n"
ALIAS = """\
# made by hand
alias crypto-crc32c crc32c_intel
alias crypto-crc32c crc32c_generic
alias fs-ext4 ext4
alias pci:v00008086d0000[0-9]*sv* ehci_pci
"""
SOFTDEP = """\
softdep ext4 pre: crypto-crc32c
softdep uhci_hcd pre: ehci_pci
softdep ipmi post: ipmi_devintf
"""
INDEX = modules.parse(DEP, BUILTIN, ALIAS, SOFTDEP)


def test_a_module_brings_what_it_needs() -> None:
    assert {"jbd2", "mbcache"} < set(modules.closure(INDEX, ["ext4"]))


def test_a_module_brings_its_soft_dependencies_by_alias_and_name() -> None:
    assert {"crc32c_intel", "crc32c_generic"} < set(modules.closure(INDEX, ["ext4"]))
    assert modules.closure(INDEX, ["ipmi"]) == ("ipmi", "ipmi_devintf")


def test_names_may_be_written_with_either_dash() -> None:
    assert modules.unknown(INDEX, ["uhci-hcd", "uhci_hcd", "virtio-pci"]) == []
    assert modules.closure(INDEX, ["uhci-hcd"]) == modules.closure(INDEX, ["uhci_hcd"])


def test_what_is_in_the_kernel_itself_is_known_and_not_copied() -> None:
    assert modules.closure(INDEX, ["virtio_pci"]) == ()


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    assert modules.unknown(INDEX, ["etx4", "ext4"]) == ["etx4"]
    assert INDEX.nearest("etx4") == "ext4"


def test_usb_1_is_loaded_after_usb_2() -> None:
    # Else a stick is taken by the slow driver, and lost when the fast one comes.
    assert modules.load_order(INDEX, "uhci_hcd") == ("ehci_hcd", "ehci_pci", "uhci_hcd")


def test_a_driver_that_may_refuse_does_not_stand_in_the_way() -> None:
    # crc32c_intel refuses without SSE 4.2; busybox's modprobe would give ext4 up.
    assert "crc32c_intel" not in modules.load_order(INDEX, "ext4")


def test_the_new_index_says_what_the_old_one_said() -> None:
    names = modules.closure(INDEX, ["ext4", "uhci_hcd"])
    text = modules.dep_text(INDEX, names, {name: f"{name}.ko" for name in names})
    again = modules.parse(text, alias=modules.alias_text(INDEX, names))
    assert again.needs["ext4"] == ("jbd2", "mbcache")
    assert set(again.paths) == set(names)
    assert ("pci:v00008086d0000[0-9]*sv*", "ehci_pci") in again.aliases
    assert again.behind("crypto-crc32c") == ("crc32c_generic", "crc32c_intel")


def test_modules_that_need_each_other_end() -> None:
    index = modules.parse("a.ko: b.ko\nb.ko: a.ko\n")
    assert modules.closure(index, ["a"]) == ("a", "b")
    assert modules.load_order(index, "a") == ("b", "a")
