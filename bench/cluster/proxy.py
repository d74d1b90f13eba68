"""`python -m bench.cluster.proxy ISTIOD NAMESPACE/POD`: a sidecar for istiod, without an Envoy."""

from __future__ import annotations

import asyncio
import sys

from tests.kubernetes.confirm.ads_proxy import AdsProxy

if __name__ == "__main__":
    asyncio.run(AdsProxy(*sys.argv[1:3]).run())
