"""The server's exports as work: a queue, its priority, and the hourly look after what must not change."""
