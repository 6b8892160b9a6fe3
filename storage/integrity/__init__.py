"""Whether audit log, schema and holds are still what they were."""
