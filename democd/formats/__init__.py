"""Byte formats: read and written as bytes, never by running a program."""
