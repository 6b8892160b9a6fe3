"""A cheap fleet of RTSP cameras for benchmarks, and the check that every frame that it sent was recorded."""
