"""Cases, sealed exports, links and addresses for players: their rows."""
