"""Routes of footage: coverage, segments, playlists, clips, and addresses for players."""
