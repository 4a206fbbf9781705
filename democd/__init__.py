"""democd builds the Xen demo CD: recipe in, bootable ISO out, proved in QEMU."""

__version__ = "0.1"
