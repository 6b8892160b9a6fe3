"""Routes of grants: who may do what with which cameras, why, and what is closed for privacy."""
