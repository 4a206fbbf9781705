"""What a machine says when nothing good comes after it, as regular expressions."""

FATAL = (
    r"Panic on CPU \d+",
    r"Hardware Dom0 crashed",
    r"Kernel panic - not syncing[^\r\n]*",
    r"(?:^|[\r\n])ERR: [^\r\n]+",  # Xen's head.S, before it has a console of its own
    r"BdsDxe: No bootable option or device was found",
    r'BdsDxe: starting Boot\d+ "EFI Internal Shell"',  # what UEFI starts where nothing else is
)
"""What ends every wait: nothing good comes after it."""

GRUB_ERROR = r"(?<![a-z])error: [^\r\n\x1b]+"
"""GRUB's complaint; a common word later, so only waits in GRUB look for it."""
