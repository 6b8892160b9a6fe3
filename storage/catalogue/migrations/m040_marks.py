"""Marks on a camera's time: what its device reported, and what others saw in its footage."""

SQL = """
CREATE TABLE mark (
  id         TEXT PRIMARY KEY,        -- random
  camera     INTEGER NOT NULL REFERENCES camera (key),
  kind       TEXT NOT NULL,           -- motion, tamper, …; of others any word
  start_us   INTEGER NOT NULL,
  end_us     INTEGER NOT NULL CHECK (end_us >= start_us), -- of one that is still on: as far as is known
  is_on      INTEGER NOT NULL CHECK (is_on IN (0, 1)),
  count      INTEGER NOT NULL,        -- how many of them it stands for
  source     TEXT NOT NULL,           -- 'camera', or the name of the analysis
  version    TEXT NOT NULL,           -- of the analysis; empty of a camera
  detail     TEXT NOT NULL,           -- JSON: the topic, the camera's own time, a label, a score
  made_by_id TEXT,                    -- id of who added it; null: the server, of a camera
  made_us    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX mark_time ON mark (camera, start_us);
CREATE INDEX mark_kind ON mark (kind, start_us);

CREATE TABLE event_source (           -- what becomes of asking a device for its events
  device   TEXT PRIMARY KEY REFERENCES found_device (id),
  state    TEXT NOT NULL CHECK (state IN ('subscribed', 'waiting', 'given_up')),
  since_us INTEGER NOT NULL,
  why      TEXT NOT NULL              -- of the last failure, as a sentence; empty: none
) STRICT, WITHOUT ROWID;
"""
