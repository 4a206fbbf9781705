"""What lies below overlays/ goes onto the disc: importing it must not leave bytecode there.

It is kept elsewhere: without any, pytest would rewrite the tests' assertions anew in every run.
"""

from __future__ import annotations

import sys

from tests.support.building import PROJECT

sys.pycache_prefix = str(PROJECT / ".pytest_cache/bytecode")
