"""Routes of orders, maintenance windows and schedules."""
