"""The whole state of alerts, so that a restart changes nothing of them; and when a camera was last not required."""

SQL = """
-- JSON: of alerts of cameras, each camera with its outage, and since when it is well.
ALTER TABLE alert ADD COLUMN members TEXT NOT NULL DEFAULT '[]';
-- Since when it is not so any more, while it must stay so to be over; null: it is so.
ALTER TABLE alert ADD COLUMN well_us INTEGER;
-- Of a group: how many were down when people were last notified of that, and when.
ALTER TABLE alert ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN told_us INTEGER;

CREATE TABLE alert_pending (        -- what has not lasted long enough yet to be an alert, \
and does not say itself since when it is so
  kind     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  since_us INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

-- nvr/cameras/present.py asks when a camera was last outside of what is required.
CREATE INDEX fact_outside ON fact (camera, end_us) WHERE cause IN ('disabled', 'maintenance', 'schedule', \
'not_configured', 'pruned', 'deleted');
"""
