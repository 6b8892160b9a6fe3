"""Routes of footage: coverage, segments, playlists, several cameras at once, clips, bookmarks, players' addresses."""
