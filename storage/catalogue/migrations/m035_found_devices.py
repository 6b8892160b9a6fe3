"""Devices that were found in networks, the searches that found them, and which cameras they are."""

SQL = """
CREATE TABLE scan (                 -- a search of networks for devices
  id         TEXT PRIMARY KEY,
  begun_us   INTEGER NOT NULL,
  ended_us   INTEGER,               -- null: not over
  beat_us    INTEGER NOT NULL,      -- when its process was last known to live
  actor      TEXT NOT NULL,         -- who began it
  actor_id   TEXT,                  -- id of the person; null: not known
  networks   TEXT NOT NULL,         -- JSON: in CIDR notation
  account    TEXT NOT NULL,         -- JSON: user name, and the password as it is sealed; empty: no login of its own
  state      TEXT NOT NULL CHECK (state IN ('running', 'stopping', 'done', 'stopped', 'failed')),
  done       TEXT NOT NULL,         -- JSON: the blocks of addresses that were searched
  blocks     INTEGER NOT NULL,      -- how many blocks there are
  error      TEXT                   -- why it failed
) STRICT, WITHOUT ROWID;

CREATE TABLE sighting (             -- what a search found where, until it is over
  scan    TEXT NOT NULL REFERENCES scan (id),
  address TEXT NOT NULL,
  port    INTEGER NOT NULL,
  facts   TEXT NOT NULL,            -- JSON, without secrets
  sealed  TEXT NOT NULL,            -- JSON: the secrets, sealed
  PRIMARY KEY (scan, address, port)
) STRICT, WITHOUT ROWID;

CREATE TABLE found_device (
  id         TEXT PRIMARY KEY,
  address    TEXT NOT NULL,         -- where it was seen last
  port       INTEGER NOT NULL,      -- of ONVIF, or of RTSP
  facts      TEXT NOT NULL,         -- JSON, without secrets
  sealed     TEXT NOT NULL,         -- JSON: the secrets, sealed
  first_us   INTEGER NOT NULL,      -- first seen
  seen_us    INTEGER NOT NULL,      -- last seen
  missing_us INTEGER                -- since when it is no longer where it was; null: it is
) STRICT, WITHOUT ROWID;

CREATE TABLE device_camera (        -- which device a camera is
  camera INTEGER PRIMARY KEY REFERENCES camera (key),
  device TEXT NOT NULL REFERENCES found_device (id)
) STRICT;

CREATE INDEX device_camera_device ON device_camera (device);
"""
