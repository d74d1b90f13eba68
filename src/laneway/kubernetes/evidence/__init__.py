"""What is found out about releases on a cluster: counted requests, and what gates said."""
