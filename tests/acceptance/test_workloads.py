"""Deployments as real ones are: settings, secrets, files, probes, hooks, and gRPC without a proxy setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.running import Laneway

pytestmark = pytest.mark.mesh

GREETER = """
import os, signal
from concurrent.futures import ThreadPoolExecutor
import grpc

def greet(request, context):
    return os.environ["GREETING"].encode() + b" " + request

def check(request, context):
    return bytes([8, 1])

handlers = {
    "/greet.Greeter/Greet": grpc.unary_unary_rpc_method_handler(greet),
    "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(check),
}

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return handlers.get(details.method)

server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
assert server.add_insecure_port(os.environ["HOST"] + ":" + os.environ["PORT"])
server.start()
signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
server.wait_for_termination()
"""

WEB = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import grpc

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        place = os.environ["GREETER_SERVICE_HOST"] + ":" + os.environ["GREETER_SERVICE_PORT_GRPC"]
        with grpc.insecure_channel(place) as channel:
            said = channel.unary_unary("/greet.Greeter/Greet")(b"you", timeout=5).decode()
        told = {
            "said": said,
            "pin": open("/etc/laneway-test/keys/pin").read(),
            "mode": oct(os.stat("/etc/laneway-test/keys/pin").st_mode & 0o777),
            "pod": os.environ["ME"],
            "color": os.environ["C_COLOR"],
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""

SYSTEM = """
apiVersion: v1
kind: ConfigMap
metadata: {name: colors, namespace: shop}
data: {COLOR: green, greeting: hello}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
stringData: {pin: "very-secret-77031"}
---
apiVersion: v1
kind: Service
metadata: {name: greeter, namespace: shop}
spec:
  selector: {app: greeter}
  ports: [{name: grpc, port: 90, targetPort: 7000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter, namespace: shop}
spec:
  selector: {matchLabels: {app: greeter}}
  template:
    metadata: {labels: {app: greeter}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: greeter
        command: [python3, greeter.py]
        ports: [{name: grpc, containerPort: 7000}]
        env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: colors, key: greeting}}}]
        readinessProbe: {grpc: {port: 7000}, timeoutSeconds: 5}
        livenessProbe: {grpc: {port: 7000}, timeoutSeconds: 5}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      volumes: [{name: keys, secret: {secretName: keys}}]
      containers:
      - name: web
        command: [python3, web.py]
        ports: [{containerPort: 8000}]
        envFrom: [{prefix: C_, configMapRef: {name: colors}}]
        env: [{name: ME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        volumeMounts: [{name: keys, mountPath: /etc/laneway-test/keys}]
        startupProbe: {tcpSocket: {port: 8000}}
        lifecycle: {preStop: {exec: {command: [sh, -c, "exit 0"]}}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [web.test]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.test]
  gateways: [public]
  http: [{route: [{destination: {host: web}}]}]
"""


def test_a_system_of_real_deployments_serves_and_keeps_its_secrets(laneway: Laneway, folder: Path) -> None:
    """gRPC by the Service's variables, through both sidecars; a Secret is in no history, status or log."""
    (folder / "system.yaml").write_text(SYSTEM)
    (folder / "greeter.py").write_text(GREETER)
    (folder / "web.py").write_text(WEB)
    laneway.up(folder)
    told = laneway.ask("web.test")
    assert told["pod"].startswith("web-")
    del told["pod"], told["status"]
    assert told == {"said": "hello you", "pin": "very-secret-77031", "mode": "0o400", "color": "green"}

    changed = SYSTEM.replace("very-secret-77031", "very-secret-88000")
    (folder / "system.yaml").write_text(changed)
    laneway.apply(folder)
    laneway.until("the new pin", lambda: str(laneway.ask("web.test")["pin"]).endswith("88000"))
    shown = [laneway.run(*words).out for words in (("history",), ("status", "-o", "json"), ("get", "all"))]
    assert "Secret" in shown[0] + shown[2]
    logs = [path.read_text() for path in (laneway.state / "logs").iterdir()]
    for text in (*shown, *logs, (laneway.state / "daemon.log").read_text()):
        assert "very-secret" not in text and "dmVyeS1zZWNyZX" not in text
    assert not Path("/etc/laneway-test").exists()
