"""Replicas: making the pods that Deployments ask for exist, from their start to their end."""
