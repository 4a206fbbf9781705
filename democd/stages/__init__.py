"""The steps of a build: one file, one verb each; no stage imports another."""
