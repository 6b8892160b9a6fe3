"""What every route stands on: who asks, errors, times, ranges, sending. Holds no route of a subject."""
