"""One recorder worker: sources, run clock, fragments, segments, retry."""
