"""An Istio-to-Envoy control plane: Istio objects and pods in, Envoy resources over delta ADS out.

Knows no kind of Laneway's own.
"""
