"""The engine for Kubernetes with Istio: watch, plan, apply where something differs, confirm through istiod."""
