"""Several machines that record one fleet of cameras: which node has which camera, and what happens when one is lost.

Pure: ``model``, ``observation`` (who is dead), ``planning`` (who gets what), ``holdings`` (what this node records),
``member`` (what one node makes of it). ``coordinator`` is what the nodes agree by; ``embedded`` and ``postgres`` are
its two kinds. ``membership`` is this node's part in it, ``kept`` and ``seen`` what it knows without asking anybody. A
server without ``[fleet]`` imports none of it.
"""
