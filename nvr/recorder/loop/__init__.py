"""A worker's event loop: pace, when cameras may connect, how evenly they arrive, what a crash is told by."""
