"""Routes of logging in with an identity provider."""
