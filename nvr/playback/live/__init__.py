"""Pictures as they come, of many cameras, for walls and phones: of streams that are only watched, and of what is being
recorded."""
