"""A recorder's threads: fragments to files, files to stable storage, rows to the catalogue."""
