"""Routes for whoever runs the server: health, metrics, alerts."""
