"""Writes an ISO to a medium, a stick or a CD, and reads it back.

What speaks against it is decided purely, from facts; nothing is written while there is a mistake.
"""
