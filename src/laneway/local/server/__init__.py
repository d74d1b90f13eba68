"""What the daemon offers: its API, what people's words do, and what it tells of everything."""
