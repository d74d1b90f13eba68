"""Where the embedded mesh is known to do something else than Istio: what it does `instead`."""

from __future__ import annotations

from tests.calls.call import Call, Expect, differs, inside, of, ruled
from tests.calls.table.lanes import GREEN

ROWS = of(
    "differences",
    differs(
        "a host's capitals are as they were sent",
        inside("Pharmacy.Shop", "/pharmacy", x_lane="green"),
        ruled("pharmacy:green", "rest", host="Pharmacy.Shop"),
        instead=ruled("pharmacy:green", "rest", host="pharmacy.shop"),
    ),
    differs(
        "the connection's port counts, and not the Host header's",
        Call("pharmacy", "/pharmacy", {"x-lane": "green"}, named="pharmacy:9"),
        GREEN,
        instead=Expect(status=502),
    ),
    differs(
        "rules of a full name on a port that its Service does not have lead to nobody",
        Call("ledger.shop.svc.cluster.local"),
        Expect(status=503),
        instead=Expect(status=502),
    ),
    differs(
        "the ingress gateway is a host inside",
        inside("istio-ingressgateway.istio-system", "/pharmacy"),
        Expect(status=404),
        instead=Expect(status=502),
    ),
)
