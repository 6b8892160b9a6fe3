"""One recorder worker: sources, muxer, run clock, segments, retry."""
