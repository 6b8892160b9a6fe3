"""What a power cut would cost now."""

SQL = """
CREATE TABLE at_risk (              -- by recorder process and footage root; \
rewritten every second, gone a minute after the process
  process    INTEGER NOT NULL,      -- its id
  root       TEXT NOT NULL,         -- the root's identity
  oldest_us  INTEGER NOT NULL,      -- age of the oldest frame, since it arrived, that is not safe on the disk
  worst_us   INTEGER NOT NULL,      -- the greatest age that a frame had when it became safe, of the last five minutes
  sync_us    INTEGER NOT NULL,      -- how long the latest sync took
  syncs      INTEGER NOT NULL,      -- since the process began
  late       INTEGER NOT NULL,      -- how often a frame was older than limit_us when it became safe
  limit_us   INTEGER NOT NULL,      -- sync_interval
  updated_us INTEGER NOT NULL,
  PRIMARY KEY (process, root)
) STRICT, WITHOUT ROWID;
"""
