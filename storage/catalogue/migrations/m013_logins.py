"""Passwords that devices refused, and what was learnt of devices at their first connection."""

SQL = """
CREATE TABLE login (                -- passwords refused or just being tried; \
a row is gone once its password was accepted
  device   TEXT NOT NULL,           -- host:port as configured
  account  TEXT NOT NULL,           -- user name
  secret   TEXT NOT NULL,           -- 16 bits of a digest of the password: \
shows that it was changed, does not help to find it
  failures INTEGER NOT NULL,        -- how often it was refused, since first_us
  open     INTEGER NOT NULL,        -- attempts that have no outcome yet
  open_us  INTEGER NOT NULL,        -- when the last of those began
  first_us INTEGER NOT NULL,        -- first refusal; 0: none
  last_us  INTEGER NOT NULL,        -- last refusal; 0: none
  next_us  INTEGER NOT NULL,        -- no attempt before
  cameras  TEXT NOT NULL,           -- JSON: the cameras that were refused
  proved   TEXT NOT NULL,           -- JSON: cameras for which the device has accepted it since the last refusal
  PRIMARY KEY (device, account, secret)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (               -- what a device showed first, and is held to
  device      TEXT PRIMARY KEY,     -- host:port as configured
  scheme      TEXT CHECK (scheme IN ('digest', 'basic')),  -- of the first login that it accepted
  certificate TEXT,                 -- SHA-256 of its first certificate, hexadecimal
  offered     TEXT,                 -- SHA-256 of another certificate, which is refused; null: none
  offered_us  INTEGER,              -- since when
  camera      TEXT                  -- whose connection that was
) STRICT, WITHOUT ROWID;
"""
