"""Measurements as ratios: democd against a peer that does the same, on one machine in one run."""

import sys


def say(what: str) -> None:
    """Tell what is being measured: some of it takes minutes."""
    print(f"measuring: {what}", file=sys.stderr, flush=True)
