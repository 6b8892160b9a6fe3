"""Coverage of closed days, so that a fleet's month is read in a second; marked dirty by whatever changes it, in the
same transaction."""

_DAY_US = 86_400_000_000
# As the end of what has none.
_NEVER = 1 << 62


def _mark(camera: str, first: str, last: str) -> str:
    return f"UPDATE coverage_day SET dirty = dirty + 1 WHERE camera = {camera} AND day BETWEEN {first} AND {last}"


def _end(row: str) -> str:
    return f"coalesce({row}.end_us, {_NEVER})"


def _row(row: str) -> str:
    return _mark(f"{row}.camera", f"{row}.start_us / {_DAY_US}", f"({_end(row)} - 1) / {_DAY_US}")


SQL = f"""
CREATE TABLE coverage_day (           -- figures of a camera's closed day (storage.coverage.figures); \
a camera's days without a row are not made yet
  camera            INTEGER NOT NULL REFERENCES camera,
  day               INTEGER NOT NULL,     -- UTC, days since 1970-01-01
  dirty             INTEGER NOT NULL CHECK (dirty >= 0),   -- changes since the figures were made; 0: they hold
  recorded_us       INTEGER NOT NULL DEFAULT 0,   -- footage
  network_us        INTEGER NOT NULL DEFAULT 0,   -- missing though required, by class of cause
  camera_us         INTEGER NOT NULL DEFAULT 0,
  server_us         INTEGER NOT NULL DEFAULT 0,
  planned_us        INTEGER NOT NULL DEFAULT 0,   -- maintenance, schedule
  administrative_us INTEGER NOT NULL DEFAULT 0,   -- orders
  absent_us         INTEGER NOT NULL DEFAULT 0,   -- camera not set up
  removed_us        INTEGER NOT NULL DEFAULT 0,   -- pruned, deleted
  outages           INTEGER NOT NULL DEFAULT 0,   -- maximal stretches missing though required, cut at the day's ends
  longest_us        INTEGER NOT NULL DEFAULT 0,   -- of them
  lead_us           INTEGER NOT NULL DEFAULT 0,   -- of the one that touches the day's begin
  trail_us          INTEGER NOT NULL DEFAULT 0,   -- of the one that touches the day's end
  PRIMARY KEY (camera, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX coverage_day_dirty ON coverage_day (day, camera) WHERE dirty > 0;
CREATE TRIGGER span_new_marks_days AFTER INSERT ON span BEGIN {_row("NEW")}; END;
CREATE TRIGGER span_gone_marks_days AFTER DELETE ON span BEGIN {_row("OLD")}; END;
CREATE TRIGGER span_moved_marks_days AFTER UPDATE OF camera, start_us, end_us ON span
WHEN OLD.camera <> NEW.camera OR OLD.start_us <> NEW.start_us OR OLD.end_us <> NEW.end_us \
BEGIN {_row("OLD")}; {_row("NEW")}; END;
-- Of a segment that grows no day is made until it is closed: this one may have come late.
CREATE TRIGGER growing_new_marks_days AFTER INSERT ON growing
BEGIN {_mark("NEW.camera", f"NEW.start_us / {_DAY_US}", str(_NEVER))}; END;
-- A replaced fact is not deleted for triggers; storage.catalogue.facts.insert puts back what it reached further.
CREATE TRIGGER fact_new_marks_days AFTER INSERT ON fact BEGIN {_row("NEW")}; END;
CREATE TRIGGER fact_gone_marks_days AFTER DELETE ON fact BEGIN {_row("OLD")}; END;
CREATE TRIGGER fact_moved_marks_days AFTER UPDATE OF camera, layer, start_us, cause ON fact
WHEN OLD.camera <> NEW.camera OR OLD.layer <> NEW.layer OR OLD.start_us <> NEW.start_us OR OLD.cause <> NEW.cause
BEGIN {_row("OLD")}; {_row("NEW")}; END;
-- A camera that was dead for a month and comes back does not dirty the month.
CREATE TRIGGER fact_end_marks_days AFTER UPDATE OF end_us ON fact WHEN OLD.end_us IS NOT NEW.end_us
BEGIN {
    _mark(
        "NEW.camera",
        f"min({_end('OLD')}, {_end('NEW')}) / {_DAY_US}",
        f"(max({_end('OLD')}, {_end('NEW')}) - 1) / {_DAY_US}",
    )
}; END;
"""
