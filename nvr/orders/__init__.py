"""Orders, maintenance windows and schedules: what people decided that a camera must not, or need not, record."""
