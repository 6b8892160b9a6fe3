"""Routes of cases, their requests, sealed exports, and the links by which others fetch them."""
