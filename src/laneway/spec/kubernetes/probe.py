"""What is asked of a container, and done to it, while it lives: probes and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from laneway.spec.meta import Model


class HttpHeader(Model):
    """A header of a probe's request."""

    name: str
    value: str = ""


class HttpGet(Model):
    """A request: any status from 200 to 399 is success. host: an address in place of the pod's own."""

    path: str = "/"
    port: int | str
    host: str | None = None
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: list[HttpHeader] = Field(default_factory=list)


class TcpSocket(Model):
    """Succeeds when a connection is accepted."""

    port: int | str
    host: str | None = None


class Exec(Model):
    """A program without a shell: exit status 0 is success."""

    command: list[str] = Field(min_length=1)


class Grpc(Model):
    """grpc.health.v1.Health/Check: SERVING is success."""

    port: int = Field(ge=1, le=65535)
    service: str = ""


class Sleep(Model):
    """Waits."""

    seconds: int = Field(ge=0)


class Probe(Model):
    """A question asked again and again. Seconds as in Kubernetes, with its defaults."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    grpc: Grpc | None = None
    initial_delay_seconds: int = Field(default=0, ge=0)
    period_seconds: int = Field(default=10, ge=1)
    timeout_seconds: int = Field(default=1, ge=1)
    success_threshold: int = Field(default=1, ge=1)
    failure_threshold: int = Field(default=3, ge=1)
    termination_grace_period_seconds: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Probe:
        asked = (self.http_get, self.tcp_socket, self.exec, self.grpc)
        if sum(each is not None for each in asked) > 1:
            raise ValueError("it asks more than one thing; keep one of httpGet, tcpSocket, exec and grpc")
        return self


class LifecycleHandler(Model):
    """What is done at one moment of a container's life."""

    unsupported: ClassVar[Mapping[str, str]] = {"tcpSocket": "write `exec`, `httpGet` or `sleep`"}

    http_get: HttpGet | None = None
    exec: Exec | None = None
    sleep: Sleep | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> LifecycleHandler:
        if sum(each is not None for each in (self.http_get, self.exec, self.sleep)) != 1:
            raise ValueError("a hook does one thing; write exactly one of exec, httpGet and sleep")
        return self


class Lifecycle(Model):
    """Hooks after a container's start, and before its SIGTERM."""

    unsupported: ClassVar[Mapping[str, str]] = {"stopSignal": "let the program end at SIGTERM"}

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
