"""A process for what is done beside tests, as this one was before they changed it for a moment.

Tests change the environment, the working folder, the umask, the user, the number of open files:
all of them are of the process, not of the thread. What another thread starts just then inherits
them.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from democd.errors import BuildError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Beside:
    """Does one thing after the other, in a process that is forked at the first of them."""

    def __init__(self) -> None:
        fork = multiprocessing.get_context("fork")
        self._process = ProcessPoolExecutor(1, fork, initializer=_die_with_us)

    def begin(self, make: Callable[[], Path]) -> Future[Path]:
        """Have a file made; `make` must be a function of a module, or a partial of one."""
        return self._process.submit(_made, make)

    def close(self) -> None:
        """Wait for what is being made, and leave the rest."""
        self._process.shutdown(cancel_futures=True)


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _made(make: Callable[[], Path]) -> Path:
    try:
        return make()
    except BuildError as error:
        # What it was raised from, and errors of more arguments, are not for pipes.
        raise BuildError(error.message, error.hint) from None
