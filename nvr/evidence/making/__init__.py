"""Makes a package and reads it back like a stranger; a second person signs it."""
