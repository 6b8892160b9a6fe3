"""Decisions of people about what is recorded: orders, maintenance windows, schedules; and cuts of a camera's public
view."""

SQL = """
CREATE TABLE attachment (           -- files that came with an order, such as the signed letter
  sha256   TEXT PRIMARY KEY,        -- of data, hexadecimal
  data     BLOB NOT NULL,
  added_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE directive (            -- a decision; a row is never changed nor deleted, revoking it adds a revocation
  id                  TEXT PRIMARY KEY,   -- random
  kind                TEXT NOT NULL CHECK (kind IN ('order', 'maintenance', 'schedule')),
  reason              TEXT NOT NULL,
  letter              TEXT,         -- order: the letter's number
  letter_date         TEXT,         -- order: the letter's date, YYYY-MM-DD
  approver            TEXT,         -- order: who signed
  start_us            INTEGER NOT NULL,   -- in force from here
  end_us              INTEGER CHECK (end_us > start_us),   -- in force until here; null: until it is revoked
  expected_end_us     INTEGER CHECK (expected_end_us > start_us),   -- order: when it should be revoked; \
changes nothing by itself
  local_copy_until_us INTEGER,      -- order: until then the camera itself may have kept footage
  hours               TEXT,         -- schedule: when to record, such as "mon-fri 06:00-22:00"
  zone                TEXT,         -- schedule: the IANA zone of the hours
  selection           TEXT NOT NULL DEFAULT '',   -- how its cameras were chosen, for people
  attachment          TEXT REFERENCES attachment,
  attachment_name     TEXT,         -- the file's name, as it was given
  epoch               INTEGER NOT NULL UNIQUE,    -- of its facts, whose identity differs by this between directives
  told_until_us       INTEGER,      -- schedule: until here its facts are written
  entered_by          TEXT NOT NULL,
  entered_us          INTEGER NOT NULL,
  rev                 INTEGER NOT NULL,
  CHECK (kind <> 'order' OR (letter IS NOT NULL AND approver IS NOT NULL)),
  CHECK (kind <> 'maintenance' OR end_us IS NOT NULL),
  CHECK (kind <> 'schedule' OR (hours IS NOT NULL AND zone IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER directive_stays BEFORE DELETE ON directive BEGIN \
SELECT RAISE(ABORT, 'a directive is revoked, never deleted'); END;
CREATE TRIGGER directive_keeps_its_word BEFORE UPDATE OF id, kind, reason, letter, letter_date, approver, start_us, \
end_us, hours, zone,
  attachment, epoch, entered_by, entered_us ON directive
BEGIN SELECT RAISE(ABORT, 'a directive is revoked, never changed'); END;

CREATE TABLE revocation (           -- the end of a directive, for all of its cameras that were left or for some
  id          TEXT PRIMARY KEY,     -- random
  directive   TEXT NOT NULL REFERENCES directive,
  reason      TEXT NOT NULL,
  letter      TEXT,
  letter_date TEXT,                 -- YYYY-MM-DD
  approver    TEXT,
  start_us    INTEGER NOT NULL,     -- takes effect here
  entered_by  TEXT NOT NULL,
  entered_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocation_of ON revocation (directive);
CREATE TRIGGER revocation_stays BEFORE DELETE ON revocation BEGIN SELECT RAISE(ABORT, 'a revocation stays'); END;

CREATE TABLE directive_camera (     -- a camera under a directive
  directive  TEXT NOT NULL REFERENCES directive,
  camera     INTEGER NOT NULL REFERENCES camera,
  revocation TEXT REFERENCES revocation,   -- null: in force to its end
  PRIMARY KEY (directive, camera)
) STRICT, WITHOUT ROWID;

CREATE TABLE public_cut (           -- times in which a camera's public view was cut; null ended_us: it still is
  id           TEXT PRIMARY KEY,    -- random
  camera       INTEGER NOT NULL REFERENCES camera,
  since_us     INTEGER NOT NULL,
  reason       TEXT NOT NULL,
  cut_by       TEXT NOT NULL,
  ended_us     INTEGER,
  ended_by     TEXT,
  end_reason   TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX public_cut_now ON public_cut (camera) WHERE ended_us IS NULL;

-- Which decisions are in force now, and when that changes next. Null ends sort first.
CREATE INDEX fact_order ON fact (end_us, start_us) WHERE layer = 'order';
CREATE INDEX camera_rev ON camera (rev);
"""
