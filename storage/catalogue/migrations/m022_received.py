"""Of each camera and hour also what was received, whatever became footage of it; and jitter read from the
network anew."""

SQL = """
-- Bytes of picture and sound that came; 0 in hours from before this step.
ALTER TABLE network_hour ADD COLUMN received_bytes INTEGER NOT NULL DEFAULT 0 CHECK (received_bytes >= 0);
-- How long it was that they came.
ALTER TABLE network_hour ADD COLUMN received_us INTEGER NOT NULL DEFAULT 0 CHECK (received_us >= 0);
-- What was read so far was when somebody looked, not when frames came: nothing is better.
UPDATE network_hour SET jitter_sum_us = 0, jitter_readings = 0, jitter_most_us = 0 WHERE jitter_readings > 0;
-- Footage that was lost was recorded: it is no outage of those days any more.
UPDATE coverage_day SET dirty = dirty + 1 WHERE camera IN (SELECT camera FROM fact WHERE cause = 'missing');
-- Steps of the server's clock, which every report of their time tells of.
CREATE INDEX IF NOT EXISTS run_clock_step ON run (camera, start_us) WHERE cause = 'clock_step';
"""
