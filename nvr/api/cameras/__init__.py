"""Routes of cameras: list, settings, connection test, status, the public's view."""
