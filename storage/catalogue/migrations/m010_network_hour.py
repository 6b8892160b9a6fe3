"""What recorders counted of each camera's network, hour by hour."""

SQL = """
CREATE TABLE network_hour (           -- nvr/network/hours.py; hours go after three months. By hour first: \
a minute's work is a few pages
  hour            INTEGER NOT NULL,   -- UTC, hours since 1970-01-01
  camera          INTEGER NOT NULL REFERENCES camera,
  recorded_us     INTEGER NOT NULL DEFAULT 0 CHECK (recorded_us >= 0),      -- footage written
  bytes           INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),            -- of it
  packets         INTEGER NOT NULL DEFAULT 0 CHECK (packets >= 0),          -- RTP packets that came
  lost_packets    INTEGER NOT NULL DEFAULT 0 CHECK (lost_packets >= 0),     -- and that did not
  damaged         INTEGER NOT NULL DEFAULT 0 CHECK (damaged >= 0),          -- pictures of which a part is missing
  undecodable     INTEGER NOT NULL DEFAULT 0 CHECK (undecodable >= 0),      -- whole pictures left out, \
as what they refer to is missing
  reconnects      INTEGER NOT NULL DEFAULT 0 CHECK (reconnects >= 0),       -- connections that brought a picture, \
after a recorder's first
  jitter_sum_us   INTEGER NOT NULL DEFAULT 0 CHECK (jitter_sum_us >= 0),    -- interarrival jitter, of so many readings
  jitter_readings INTEGER NOT NULL DEFAULT 0 CHECK (jitter_readings >= 0),  -- about one a minute
  jitter_most_us  INTEGER NOT NULL DEFAULT 0 CHECK (jitter_most_us >= 0),   -- the largest of them
  PRIMARY KEY (hour, camera)
) STRICT, WITHOUT ROWID;
"""
