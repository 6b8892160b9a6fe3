"""What this node knows of a fleet of several machines without asking anybody."""

SQL = """
CREATE TABLE fleet_seen (           -- one row, if this node was ever in a fleet
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  epoch    INTEGER NOT NULL,        -- of the fleet, the last that was seen
  asked_us INTEGER,                 -- when the coordinator last answered
  trouble  TEXT                     -- why it does not, or what else is wrong; NULL: nothing
) STRICT;
CREATE TABLE fleet_assignment (     -- which node has which camera, as seen last
  camera      TEXT PRIMARY KEY,     -- by its id: it need not be known here
  node        TEXT,                 -- NULL: nobody
  epoch       INTEGER NOT NULL,     -- of the fleet
  cause       TEXT NOT NULL,
  previous    TEXT,
  lost_us     INTEGER,
  has_footage INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE fleet_node (           -- the nodes, as seen last
  id           TEXT PRIMARY KEY,
  site         TEXT NOT NULL,
  standing     TEXT NOT NULL,       -- member, draining, left
  health       TEXT NOT NULL,       -- alive, dead, unknown: not watched for long enough
  cameras      INTEGER NOT NULL,
  capacity_bps INTEGER,
  offered_bps  INTEGER NOT NULL,    -- of its cameras together
  alive_us     INTEGER,
  offset_us    INTEGER,             -- of its clock against the coordinator's
  version      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
