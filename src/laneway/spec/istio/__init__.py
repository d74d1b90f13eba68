"""The Istio kinds that Laneway reads, with the fields its embedded mesh implements.

A genuine field of Istio that is not implemented stands in its model's `unsupported` and is refused by name.
"""

from laneway.spec.istio.common import NetworkingVersion, Port, PortSelector
from laneway.spec.istio.destination_rule import (
    DestinationRule,
    DestinationRuleSpec,
    Subset,
)
from laneway.spec.istio.gateway import Gateway, GatewayServer, GatewaySpec
from laneway.spec.istio.http_actions import (
    CorsPolicy,
    Destination,
    FaultAbort,
    FaultDelay,
    HeaderOperations,
    Headers,
    HTTPBody,
    HTTPDirectResponse,
    HTTPFaultInjection,
    HTTPMirrorPolicy,
    HTTPRedirect,
    HTTPRetry,
    HTTPRewrite,
    HTTPRouteDestination,
    Percentage,
    RegexRewrite,
)
from laneway.spec.istio.http_match import HTTPMatchRequest, StringMatch
from laneway.spec.istio.service_entry import ServiceEntry, ServiceEntrySpec, WorkloadEntry, WorkloadSelector
from laneway.spec.istio.traffic_policy import (
    ClientTLS,
    ConnectionPool,
    ConsistentHash,
    HTTPSettings,
    LoadBalancer,
    OutlierDetection,
    PortPolicy,
    RetryBudget,
    TcpKeepalive,
    TCPSettings,
    TrafficPolicy,
    Warmup,
)
from laneway.spec.istio.virtual_service import HTTPRoute, HTTPRule, VirtualService, VirtualServiceSpec

__all__ = [
    "ClientTLS",
    "ConnectionPool",
    "ConsistentHash",
    "CorsPolicy",
    "Destination",
    "DestinationRule",
    "DestinationRuleSpec",
    "FaultAbort",
    "FaultDelay",
    "Gateway",
    "GatewayServer",
    "GatewaySpec",
    "HTTPBody",
    "HTTPDirectResponse",
    "HTTPFaultInjection",
    "HTTPMatchRequest",
    "HTTPMirrorPolicy",
    "HTTPRedirect",
    "HTTPRetry",
    "HTTPRewrite",
    "HTTPRoute",
    "HTTPRouteDestination",
    "HTTPRule",
    "HTTPSettings",
    "HeaderOperations",
    "Headers",
    "LoadBalancer",
    "NetworkingVersion",
    "OutlierDetection",
    "Percentage",
    "Port",
    "PortPolicy",
    "PortSelector",
    "RegexRewrite",
    "RetryBudget",
    "ServiceEntry",
    "ServiceEntrySpec",
    "StringMatch",
    "Subset",
    "TCPSettings",
    "TcpKeepalive",
    "TrafficPolicy",
    "VirtualService",
    "VirtualServiceSpec",
    "Warmup",
    "WorkloadEntry",
    "WorkloadSelector",
]
