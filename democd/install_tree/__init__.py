"""Xen's dist/install, as `make dist` leaves it: hypervisor, tools and libraries of one version.

What is decided here: which of its files go onto the disc and to which place, whether they belong
together, and what of the root they need. Nothing is written.
"""

from democd.install_tree.judge import InstallTree, faults_in, inspect, links
from democd.install_tree.needs import debian_name
from democd.install_tree.places import MULTIARCH, place

__all__ = ["MULTIARCH", "InstallTree", "debian_name", "faults_in", "inspect", "links", "place"]
