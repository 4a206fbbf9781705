"""How many machines run at a time, and how patient they are waited for.

XENDEMO_BOOTS_AT_ONCE says how many (2), XENDEMO_PACE how patient (2).
"""

from __future__ import annotations

import os
from threading import BoundedSemaphore

AT_ONCE = int(os.environ.get("XENDEMO_BOOTS_AT_ONCE", "2"))
PACE = float(os.environ.get("XENDEMO_PACE", "2"))

LANE = BoundedSemaphore(AT_ONCE)
"""Held by whoever has a machine run: `with LANE`."""
