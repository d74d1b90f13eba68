"""What people write: Laneway's own kinds and the kinds of Istio and Kubernetes it reads. Pure."""
