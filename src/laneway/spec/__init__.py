"""What people write: Laneway's own kinds and the Istio and Kubernetes kinds it reads. Pure: no I/O, no clock."""
