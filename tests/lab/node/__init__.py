"""A node for the lab: pods as processes in networks of their own, with real Envoys under a real istiod."""
