"""Where frames stand in time: the camera's stamps against arrival, the server's clock, and the camera's own. Pure."""
