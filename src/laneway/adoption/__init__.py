"""From plain Kubernetes and Istio objects to Apps that mean the same, shown by equal route tables."""
