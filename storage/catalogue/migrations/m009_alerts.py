"""Alerts, and what was told of them to whom."""

SQL = """
CREATE TABLE alert (                -- something that needs a person; a row is never deleted
  id              TEXT PRIMARY KEY, -- random
  kind            TEXT NOT NULL,    -- camera_down, cameras_down, disk_low, ...
  subject         TEXT NOT NULL,    -- what it is about: a camera, a label such as isp=Telkom, a footage root; \
may be empty
  since_us        INTEGER NOT NULL, -- since when it is so
  opened_us       INTEGER NOT NULL, -- when it had lasted long enough to be told
  seen_us         INTEGER NOT NULL, -- when it was last so
  resolved_us     INTEGER,          -- null: open
  flaps           INTEGER NOT NULL DEFAULT 0,   -- how often it came back within an hour of its end
  cameras         TEXT NOT NULL DEFAULT '[]',   -- JSON: the cameras it is about now
  detail          TEXT NOT NULL DEFAULT '{}',   -- JSON; no secrets
  acknowledged_us INTEGER,
  acknowledged_by TEXT,
  note            TEXT,             -- of who acknowledged
  rev             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_time ON alert (opened_us);
CREATE INDEX alert_open ON alert (kind, subject) WHERE resolved_us IS NULL;

CREATE TABLE notice (               -- one message about an alert through one channel
  alert    TEXT NOT NULL REFERENCES alert,
  at_us    INTEGER NOT NULL,        -- when it happened
  event    TEXT NOT NULL CHECK (event IN ('opened', 'resolved')),
  channel  TEXT NOT NULL,           -- email, webhook
  due_us   INTEGER NOT NULL,        -- when it is tried next
  attempts INTEGER NOT NULL DEFAULT 0,
  sent_us  INTEGER,                 -- null: not yet
  error    TEXT,                    -- of the last attempt; redacted
  PRIMARY KEY (alert, at_us, event, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_due ON notice (due_us) WHERE sent_us IS NULL;
"""
