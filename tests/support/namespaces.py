"""Work in a mount namespace: what is mounted there nobody else sees, and it needs no root."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.performing import forked

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000  # linux/sched.h
_FORBIDDEN = 77


def alone(work: Callable[[], None]) -> None:
    """Do something as root of a namespace of its own; skip the test where none can be had."""

    def inside() -> tuple[int, str]:
        try:
            _enter()
        except OSError as error:
            return _FORBIDDEN, str(error)
        work()
        return 0, ""

    done = forked(inside)
    if done.code == _FORBIDDEN:
        pytest.skip(f"no mount namespace can be had here: {done.said}")
    assert done.code == 0, done.said


def _enter() -> None:
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS | (CLONE_NEWUSER if user else 0)
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "unshare")
    if user:  # user_namespaces(7)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    private = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    if private.returncode:
        raise OSError(f"mount --make-rprivate /: {private.stderr.strip()}")
