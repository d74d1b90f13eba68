"""What a cluster needs before the controller runs: definitions, rights, the controller itself. Pure."""
