"""A disc as a page for people: what takes its room, how long it boots, what has changed.

The page is one HTML file that asks nothing of a network and runs no script.
"""

from democd.report.page import Subject, render

__all__ = ["Subject", "render"]
