"""An Istio-to-Envoy control plane: genuine Istio objects and pods in, Envoy resources over delta ADS out. Knows no kind of Laneway's own."""
