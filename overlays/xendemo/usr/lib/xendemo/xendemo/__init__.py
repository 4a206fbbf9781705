"""`xendemo`, a program of domain 0: starts further domains from the disc and looks after them.

A verb of the command line is a module; `cli.VERBS` lists them. What is to happen is decided by pure
functions (`variables`, `addresses`, `plan`) from settings (`conf`), the person's request and facts
(`facts`); the verbs then do it by way of `xl`.
"""
