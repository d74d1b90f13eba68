"""The engine for Kubernetes with Istio: watch, plan, apply what differs, confirm through istiod."""
