"""Clips: any range as one MP4, several as one ZIP."""
