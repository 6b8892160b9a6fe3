"""The lane: what is regular of a camera's way from packets to fragments, in one call a read, by the extension
(``nvr.extension``). Everything else is the reference's, in ``sources``, ``clocks``, ``run`` and ``media``: the lane
takes over its state between two frames, and gives it back as soon as anything is not regular."""
