"""What lies below overlays/ goes onto the disc: importing it must not leave bytecode there."""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True
