"""One process for what needs the whole catalogue: retention."""
