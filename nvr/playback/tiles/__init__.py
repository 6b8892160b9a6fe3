"""What plays several cameras at once on one clock: their fragments in one answer, keyframes of moments, times of
frames."""
