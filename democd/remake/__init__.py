"""A disc made again from a disc: taken apart into files to edit, changed, written anew.

Nothing of a disc is run, and no archive is asked: what was not changed is put back as it was, byte
for byte, and what was is packed anew. A disc that nothing was changed in is the same disc.
"""

from democd.differing import Difference
from democd.remake.again import Wanted, build
from democd.remake.apart import unpack
from democd.remake.compare import compare
from democd.remake.told import report

__all__ = ["Difference", "Wanted", "build", "compare", "report", "unpack"]
