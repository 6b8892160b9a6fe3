"""Of each camera and hour also the frames that were lost, and what its time stamps and keyframes are like."""

SQL = """
-- Frames missing in the footage because of a loss.
ALTER TABLE network_hour ADD COLUMN lost_frames INTEGER NOT NULL DEFAULT 0 CHECK (lost_frames >= 0);
-- Times that time stamps strayed, stepped or ran at a wrong rate.
ALTER TABLE network_hour ADD COLUMN time_faults INTEGER NOT NULL DEFAULT 0 CHECK (time_faults >= 0);
-- The largest distance of two keyframes, of about a reading a minute.
ALTER TABLE network_hour ADD COLUMN keyframe_most_us INTEGER NOT NULL DEFAULT 0 CHECK (keyframe_most_us >= 0);
"""
