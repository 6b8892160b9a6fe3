"""The first released schema."""

SQL = """
CREATE TABLE meta (                 -- counters and settings of the catalogue itself
  key   TEXT PRIMARY KEY,
  value ANY
) STRICT;
INSERT INTO meta VALUES ('rev', 0), ('epoch', 0);

CREATE TABLE node (                 -- recorder machines; a single server has one row
  key          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  watermark_us INTEGER              -- last heartbeat: the server was alive at this time
) STRICT;

CREATE TABLE root (                 -- footage roots (disks)
  key  INTEGER PRIMARY KEY,
  id   TEXT NOT NULL UNIQUE,        -- as in the root's identity file
  path TEXT NOT NULL                -- where it was last mounted
) STRICT;

CREATE TABLE camera (
  key        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  source     TEXT NOT NULL CHECK (source IN ('file', 'catalogue')),   -- where its settings are kept
  settings   TEXT NOT NULL,         -- JSON: url, username, password, audio, ...; secret
  labels     TEXT NOT NULL,         -- JSON object of text
  added_us   INTEGER NOT NULL,
  removed_us INTEGER,               -- not null: no longer recorded, its footage and history stay
  rev        INTEGER NOT NULL
) STRICT;

CREATE TABLE init (                 -- ftyp + moov, content-addressed
  id          TEXT PRIMARY KEY,     -- SHA-256, hexadecimal
  bytes       BLOB NOT NULL,
  video_codec TEXT NOT NULL,        -- RFC 6381
  audio_codec TEXT,                 -- RFC 6381; null: no sound
  width       INTEGER NOT NULL,     -- pixels
  height      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (                  -- one unbroken connection
  camera   INTEGER NOT NULL REFERENCES camera,
  start_us INTEGER NOT NULL,
  node     INTEGER NOT NULL REFERENCES node,
  epoch    INTEGER NOT NULL,
  end_us   INTEGER,                 -- null: not ended yet
  cause    TEXT,                    -- why it ended
  detail   TEXT NOT NULL DEFAULT '{}',  -- JSON: error text (redacted), counters
  PRIMARY KEY (camera, start_us, node, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (              -- one file
  camera       INTEGER NOT NULL REFERENCES camera,
  start_us     INTEGER NOT NULL,
  node         INTEGER NOT NULL REFERENCES node,
  epoch        INTEGER NOT NULL,
  end_us       INTEGER CHECK (end_us >= start_us),   -- by the server's clock; null: growing
  root         INTEGER NOT NULL REFERENCES root,
  init         TEXT NOT NULL REFERENCES init,
  run_start_us INTEGER NOT NULL,
  timescale    INTEGER NOT NULL CHECK (timescale > 0),   -- ticks a second of media_start and media_end
  media_start  INTEGER NOT NULL,    -- presentation time of the first video sample, ticks
  media_end    INTEGER,             -- presentation time at which its video ends, ticks
  frames       INTEGER,             -- video samples
  bytes        INTEGER,             -- size of the file
  sha256       TEXT,                -- of the whole file, computed while it was written
  PRIMARY KEY (camera, start_us, node, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE growing (              -- how far each growing segment's footage reaches: \
small, since it is rewritten every second
  camera   INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  node     INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  PRIMARY KEY (camera, start_us, node, epoch),
  FOREIGN KEY (camera, start_us, node, epoch) REFERENCES segment
) STRICT, WITHOUT ROWID;

CREATE TABLE span (                 -- closed segments that abut, coalesced; cut at UTC midnight
  camera   INTEGER NOT NULL REFERENCES camera,
  start_us INTEGER NOT NULL,
  node     INTEGER NOT NULL REFERENCES node,
  epoch    INTEGER NOT NULL,
  end_us   INTEGER NOT NULL CHECK (end_us > start_us),
  segments INTEGER NOT NULL,        -- segments that start in it
  bytes    INTEGER NOT NULL,        -- their bytes
  rev      INTEGER NOT NULL,
  PRIMARY KEY (camera, start_us, node, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE fact (                 -- an interval with a cause, recorded when it happened; also the ledger of deletions
  camera   INTEGER NOT NULL REFERENCES camera,
  layer    TEXT NOT NULL CHECK (layer IN ('footage', 'order', 'recorder')),
  start_us INTEGER NOT NULL,
  node     INTEGER NOT NULL REFERENCES node,
  epoch    INTEGER NOT NULL,
  end_us   INTEGER CHECK (end_us > start_us),    -- null: still so
  cause    TEXT NOT NULL,
  detail   TEXT NOT NULL,           -- JSON: redacted error text, policy, person, number of segments and bytes
  rev      INTEGER NOT NULL,
  PRIMARY KEY (camera, layer, start_us, node, epoch)
) STRICT, WITHOUT ROWID;
-- Also finds the open ones: null is a value here.
CREATE INDEX fact_end ON fact (camera, end_us);

CREATE TABLE garbage (              -- files to unlink: a segment's row moves here before its file goes
  camera   INTEGER NOT NULL REFERENCES camera,
  start_us INTEGER NOT NULL,
  node     INTEGER NOT NULL REFERENCES node,
  epoch    INTEGER NOT NULL,
  root     INTEGER NOT NULL REFERENCES root,
  bytes    INTEGER NOT NULL,
  since_us INTEGER NOT NULL,
  PRIMARY KEY (camera, start_us, node, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE hold (                 -- legal holds; a row is never deleted, releasing one sets released_us
  id             TEXT PRIMARY KEY,  -- random
  camera         INTEGER NOT NULL REFERENCES camera,
  start_us       INTEGER NOT NULL,
  end_us         INTEGER NOT NULL CHECK (end_us > start_us),
  reason         TEXT NOT NULL,     -- the case, the letter
  placed_by      TEXT NOT NULL,     -- user or token
  placed_us      INTEGER NOT NULL,
  released_us    INTEGER,           -- null: still holds
  released_by    TEXT,
  release_reason TEXT,
  rev            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_active ON hold (camera, start_us) WHERE released_us IS NULL;
-- A closed segment that overlaps a hold, or begins in it, stays. storage.retention.holds.touches says the same.
CREATE TRIGGER held_segment_stays BEFORE DELETE ON segment WHEN OLD.end_us IS NOT NULL AND EXISTS (
  SELECT 1 FROM hold WHERE camera = OLD.camera AND released_us IS NULL AND start_us <= max(OLD.start_us, OLD.end_us - 1)
    AND end_us > OLD.start_us
) BEGIN SELECT RAISE(ABORT, 'a legal hold keeps this segment'); END;
CREATE TRIGGER held_segment_keeps_its_time BEFORE UPDATE OF camera, start_us, node, epoch, end_us, root ON segment
WHEN OLD.end_us IS NOT NULL AND EXISTS (
  SELECT 1 FROM hold WHERE camera = OLD.camera AND released_us IS NULL AND start_us <= max(OLD.start_us, OLD.end_us - 1)
    AND end_us > OLD.start_us
) BEGIN SELECT RAISE(ABORT, 'a legal hold keeps this segment'); END;
CREATE TRIGGER hold_stays BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'a hold is released, never deleted'); END;
CREATE TRIGGER hold_keeps_its_range BEFORE UPDATE OF id, camera, start_us, end_us ON hold
BEGIN SELECT RAISE(ABORT, 'a hold is released, never changed'); END;

CREATE TABLE plan (                 -- previews of deletions, for the one that a person confirms; gone after an hour
  hash    TEXT PRIMARY KEY,         -- SHA-256 of the deletions' text
  made_us INTEGER NOT NULL,
  basis   TEXT NOT NULL,            -- the rules in force for its cameras at that time
  text    BLOB NOT NULL             -- zlib: a line a deletion, sorted
) STRICT, WITHOUT ROWID;

CREATE TABLE status (               -- what each camera's recorder does now
  camera            INTEGER PRIMARY KEY REFERENCES camera,
  state             TEXT NOT NULL CHECK (state IN ('recording', 'waiting', 'off')),
  since_us          INTEGER NOT NULL,
  cause             TEXT,           -- why it is not recording
  detail            TEXT NOT NULL DEFAULT '{}',
  recorded_until_us INTEGER,        -- end of the last fragment written
  init              TEXT,
  bitrate_bps       INTEGER,
  frame_rate        REAL,
  updated_us        INTEGER NOT NULL
) STRICT;

CREATE TABLE user (
  name       TEXT PRIMARY KEY,
  password   TEXT NOT NULL,         -- Argon2 hash
  role       TEXT NOT NULL CHECK (role IN ('admin', 'investigator', 'viewer')),
  created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  hash       TEXT PRIMARY KEY,      -- SHA-256 of the cookie's random value
  user       TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  id           TEXT PRIMARY KEY,    -- random, shown in lists
  hash         TEXT NOT NULL UNIQUE,    -- SHA-256 of the bearer token
  name         TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('admin', 'investigator', 'viewer')),
  created_us   INTEGER NOT NULL,
  last_used_us INTEGER
) STRICT, WITHOUT ROWID;
"""
