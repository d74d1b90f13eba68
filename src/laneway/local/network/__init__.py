"""Where pods are reached: addresses, names, and networks of their own."""
