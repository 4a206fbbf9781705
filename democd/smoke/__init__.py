"""Scripted QEMU boots and their verdicts."""
