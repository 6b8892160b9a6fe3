"""From one version's catalogue to the next one's, and back: who may, after what copy, and what is lost by it."""
