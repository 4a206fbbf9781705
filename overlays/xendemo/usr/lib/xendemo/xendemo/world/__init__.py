"""`xendemo world`: builds Xen, its tools and kernels from source, on the disc, without a network.

`options` has what is wanted, `facts` what there is; `plan` makes steps of both, purely; `doing`
carries them out, and `command` is the verb.
"""
