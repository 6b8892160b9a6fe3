"""The conversation with identity providers (OpenID Connect), and what their tokens say. Knows no routes and no rows."""
