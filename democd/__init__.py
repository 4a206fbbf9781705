"""democd builds the Xen demo CD: recipe in, bootable ISO out, proved in QEMU."""
