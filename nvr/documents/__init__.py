"""Documents for people: building blocks of PDF pages, for reports and statements alike. Knows nothing of footage."""
