"""Files and catalogue after a crash, and whether they agree.

``at_start`` runs before anything records: it closes what the last server left open and takes in what has no row, as far
as that is quick. ``backlog`` goes on with the rest while cameras record again. Both leave single files to ``adopt`` and
``take_in``. ``check`` and ``rebuild`` are commands: the one compares and changes nothing, the other makes a catalogue
anew from files alone. ``scrub`` reads hashes again, in the background, for ever.
"""
