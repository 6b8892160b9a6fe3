"""The cameras' own clocks, and what recorders count."""

SQL = """
CREATE TABLE clock_sample (         -- how far a camera's own clock was ahead of its recorder's; \
storage/catalogue/clock_samples.py
  camera         INTEGER NOT NULL REFERENCES camera,
  at_us          INTEGER NOT NULL,  -- when it was found so, by the recorder's clock
  node           INTEGER NOT NULL REFERENCES node,
  until_us       INTEGER NOT NULL CHECK (until_us >= at_us),   -- when it was last found so
  offset_us      INTEGER NOT NULL,  -- camera minus recorder, the way through the network included: negative is behind
  uncertainty_us INTEGER NOT NULL CHECK (uncertainty_us >= 0), -- how far the readings behind it lay apart
  source         TEXT NOT NULL CHECK (source IN ('rtcp', 'prft')),  -- sender reports read by us, or by FFmpeg
  PRIMARY KEY (camera, at_us, node)
) STRICT, WITHOUT ROWID;
ALTER TABLE status ADD COLUMN counters TEXT NOT NULL DEFAULT '{}';   -- JSON object: \
storage/catalogue/counters.py, since its recorder took it
"""
