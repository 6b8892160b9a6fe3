"""Routes of devices: what was found in networks, searches for more, and making cameras of them."""
