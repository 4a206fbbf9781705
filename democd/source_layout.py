"""Where things lie on the disc of sources; and, as on the disc, `layout.SUMS` and `MANIFEST`."""

from __future__ import annotations

README = "/README"
INDEX = "/Sources"  # apt's; tells a disc of sources from others
BINARIES = "/binaries.txt"
POOL = "/pool"  # a folder for each Debian source package
TREES = "/trees"  # what is not Debian's, as NAME.tar.gz
