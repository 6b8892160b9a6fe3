"""Routes of people, their tokens and the audit log."""
