"""What may go, what must stay, and its going."""
