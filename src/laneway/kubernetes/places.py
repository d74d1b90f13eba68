"""Where a controller is, and who it is: what whoever installs it and whoever runs it both have to know.

Must not know what is installed: a controller that runs has no use for that, and no memory.
"""

from __future__ import annotations

from laneway.manifests.names import LANEWAY

ACCOUNT = LANEWAY
"""The name of the ServiceAccount."""
LEASE = LANEWAY
"""The name of the Lease, in Laneway's own namespace, that says which replica leads."""
HEALTH_PORT = 8081
"""Where it answers /healthz and /readyz."""
METRICS_PORT = 8080
"""Where it answers /metrics."""
TOKENS = "/var/run/secrets/tokens"
"""Folder of `istio-token`, by which istiod knows who asks."""
MESH_ROOT = "/var/run/secrets/istio"
"""Folder of `root-cert.pem`, the mesh's root certificate."""
AUDIENCE = "istio-ca"
"""Whom the token is for: what istiod expects of proxies."""
