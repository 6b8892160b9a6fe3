"""Playlists: recorded ranges, and live."""
