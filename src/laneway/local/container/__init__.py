"""What a container is given, and how it is run: its command, its variables, its files."""
