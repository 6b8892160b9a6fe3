"""Messages about alerts as queues: one a recipient, in order."""

SQL = """
CREATE TABLE delivery (             -- one message about an alert for one recipient
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they go, whatever the clock says
  recipient    TEXT NOT NULL,       -- email:<address>, webhook
  alert        TEXT NOT NULL REFERENCES alert,
  event        TEXT NOT NULL,       -- opened, changed, parted, resolved
  at_us        INTEGER NOT NULL,    -- when it happened
  body         TEXT NOT NULL,       -- JSON: the alert as it was then
  state        TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'accepted', 'joined', 'dropped')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  refusals     INTEGER NOT NULL DEFAULT 0,   -- attempts that were refused for good, not for now
  error        TEXT,                -- of the last attempt, or why it was dropped; redacted
  ended_us     INTEGER              -- when it was accepted, joined to a later one of its alert, or dropped
) STRICT;
CREATE INDEX delivery_waiting ON delivery (recipient, seq) WHERE state = 'waiting';
CREATE INDEX delivery_alert ON delivery (alert);
CREATE INDEX delivery_ended ON delivery (ended_us) WHERE ended_us IS NOT NULL;

CREATE TABLE recipient (            -- those of the settings, and how it goes with each
  id               TEXT PRIMARY KEY,
  failing_since_us INTEGER,         -- null: the last attempt succeeded, or there was none
  failures         INTEGER NOT NULL DEFAULT 0,   -- in a row
  error            TEXT,            -- of the last attempt; redacted
  accepted_us      INTEGER,         -- when a message was last accepted
  dropped          INTEGER NOT NULL DEFAULT 0,   -- messages dropped, ever
  dropped_untold   INTEGER NOT NULL DEFAULT 0    -- of those, since a message was last accepted
) STRICT, WITHOUT ROWID;

-- Messages of before: those that wait go to their channel's recipients.
INSERT INTO delivery (recipient, alert, event, at_us, body, attempts, error)
  SELECT channel, alert, event, at_us, '', attempts, error FROM notice \
WHERE sent_us IS NULL AND due_us < 4611686018427387904
  ORDER BY at_us, alert;
UPDATE notice SET sent_us = 0 WHERE sent_us IS NULL;
"""
