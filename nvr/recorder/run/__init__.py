"""From the frames of one connection to runs, segments, counters and facts."""
