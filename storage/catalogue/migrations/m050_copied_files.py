"""Segments that move from one footage root to another: which copy may go, and what a legal hold lets move."""

SQL = """
CREATE TABLE copied_file (          -- a file of a segment on a root that the segment's row need not name: \
unlinked unless it does
  camera   INTEGER NOT NULL REFERENCES camera,
  start_us INTEGER NOT NULL,
  node     INTEGER NOT NULL REFERENCES node,
  epoch    INTEGER NOT NULL,
  root     INTEGER NOT NULL REFERENCES root,
  since_us INTEGER NOT NULL,
  PRIMARY KEY (camera, start_us, node, epoch, root)
) STRICT, WITHOUT ROWID;
DROP TRIGGER held_segment_keeps_its_time;
CREATE TRIGGER held_segment_keeps_its_time BEFORE UPDATE OF camera, start_us, node, epoch, end_us ON segment
WHEN OLD.end_us IS NOT NULL AND EXISTS (
  SELECT 1 FROM hold WHERE camera = OLD.camera AND released_us IS NULL AND start_us <= max(OLD.start_us, OLD.end_us - 1)
    AND end_us > OLD.start_us
) BEGIN SELECT RAISE(ABORT, 'a legal hold keeps this segment'); END;
-- It may lie elsewhere only where who moves it has said so before, in the same transaction.
CREATE TRIGGER held_segment_keeps_its_root BEFORE UPDATE OF root ON segment
WHEN OLD.end_us IS NOT NULL AND NEW.root <> OLD.root AND EXISTS (
  SELECT 1 FROM hold WHERE camera = OLD.camera AND released_us IS NULL AND start_us <= max(OLD.start_us, OLD.end_us - 1)
    AND end_us > OLD.start_us
) AND NOT EXISTS (
  SELECT 1 FROM copied_file c WHERE (c.camera, c.start_us, c.node, c.epoch, c.root)
    = (OLD.camera, OLD.start_us, OLD.node, OLD.epoch, OLD.root)
) BEGIN SELECT RAISE(ABORT, 'a legal hold keeps this segment'); END;
"""
