"""Stretches within a segment in which no frame could be decoded; and days are marked when the class of a ``corrupt``
fact changes."""

_DAY_US = 86_400_000_000
_CLASS = "json_extract({row}.detail, '$.class')"

SQL = f"""
CREATE TABLE hole (                 -- storage/catalogue/holes.py; the file says the same
  camera      INTEGER NOT NULL,     -- its segment's key
  start_us    INTEGER NOT NULL,
  node        INTEGER NOT NULL,
  epoch       INTEGER NOT NULL,
  media_start INTEGER NOT NULL,     -- presentation time at which the last frame before it ends, \
ticks of the segment's timescale
  media_end   INTEGER NOT NULL,     -- presentation time of the first frame after it
  from_us     INTEGER NOT NULL,     -- the same two by the segment's mapping of media to wall time
  until_us    INTEGER NOT NULL CHECK (until_us >= from_us),
  loss        TEXT NOT NULL CHECK (loss IN ('', 'network', 'camera', 'server')),   -- who is answerable; \
'': nothing was lost, nothing came
  PRIMARY KEY (camera, start_us, node, epoch, media_start)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER segment_gone_takes_holes AFTER DELETE ON segment BEGIN
  DELETE FROM hole WHERE camera = OLD.camera AND start_us = OLD.start_us AND node = OLD.node AND epoch = OLD.epoch; END;
CREATE TRIGGER fact_class_marks_days AFTER UPDATE OF detail ON fact
WHEN {_CLASS.format(row="OLD")} IS NOT {_CLASS.format(row="NEW")} BEGIN
  UPDATE coverage_day SET dirty = dirty + 1 WHERE camera = NEW.camera AND day BETWEEN NEW.start_us / {_DAY_US}
    AND (coalesce(NEW.end_us, {1 << 62}) - 1) / {_DAY_US}; END;
"""
