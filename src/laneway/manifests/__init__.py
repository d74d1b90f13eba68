"""Pure: a Plan as the Istio and Kubernetes objects that either engine applies."""
