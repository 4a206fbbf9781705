"""How many machines run at a time, when they may, and how patient they are waited for.

XENDEMO_BOOTS_AT_ONCE says how many (2), XENDEMO_PACE how patient (2).
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from threading import BoundedSemaphore, Event
from typing import Any

AT_ONCE = int(os.environ.get("XENDEMO_BOOTS_AT_ONCE", "2"))
PACE = float(os.environ.get("XENDEMO_PACE", "2"))

LANE = BoundedSemaphore(AT_ONCE)
"""Held by whoever has a machine run: `with LANE`."""

BESIDE: list[Future[Any]] = []
"""What goes on beside the build tests: no machine runs before all of it is done."""

ALL_BUILT = Event()
"""Set when the build tests are over: until then one lane is theirs."""
