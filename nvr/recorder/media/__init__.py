"""Frames, NAL units, fragments, inits: what is written, whichever source gave it."""
