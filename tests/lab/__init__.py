"""The lab: the real control planes of Kubernetes and Istio on one machine, without containers."""
