"""From the catalogue and the segment files to clips, playlists, live view and snapshots. Knows nothing of HTTP
servers."""
