"""The installer, `xendemo install`: decides purely (facts and options to a plan), acts thinly.

A plan is a list of steps, each with the words and the command that a person is shown before
anything is done; `doing` carries it out. Nothing but Python's standard library is used.
"""
