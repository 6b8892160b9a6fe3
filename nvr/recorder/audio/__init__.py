"""Sound of a connection: its time is judged, G.711 is encoded apart, and no fault of it costs a frame."""
