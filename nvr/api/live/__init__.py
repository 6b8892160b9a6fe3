"""The route of live pictures of several cameras."""
