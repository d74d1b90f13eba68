"""The Kubernetes kinds that Laneway reads: Deployment and Service, with the parts of a pod it runs."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from laneway.spec.meta import DnsLabel, Model, Object
from laneway.spec.protocols import AppProtocol


class EnvVar(Model):
    """A variable of a container with a literal value."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"valueFrom"})

    name: str
    value: str = ""


class ContainerPort(Model):
    """A port that a container listens on."""

    inert: ClassVar[frozenset[str]] = frozenset({"hostPort", "hostIP"})

    name: str | None = None
    container_port: int = Field(ge=1, le=65535)
    protocol: Literal["TCP"] = "TCP"


class HttpGet(Model):
    """A probe's request: any status from 200 to 399 is success."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"httpHeaders", "host"})

    path: str = "/"
    port: int | str
    scheme: Literal["HTTP"] = "HTTP"


class TcpSocket(Model):
    """A probe that succeeds when a connection is accepted."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"host"})

    port: int | str


class Probe(Model):
    """When a pod is ready. Seconds as in Kubernetes, with its defaults."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"exec", "grpc"})

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    initial_delay_seconds: int = Field(default=0, ge=0)
    period_seconds: int = Field(default=10, ge=1)
    timeout_seconds: int = Field(default=1, ge=1)
    success_threshold: int = Field(default=1, ge=1)
    failure_threshold: int = Field(default=3, ge=1)


class Container(Model):
    """The one container of a pod."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"envFrom", "volumeMounts", "volumeDevices", "lifecycle"}
    )
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "resources", "imagePullPolicy", "securityContext", "terminationMessagePath",
            "terminationMessagePolicy", "livenessProbe", "startupProbe", "stdin", "tty",
        }
    )  # fmt: skip

    name: str
    image: str | None = None
    command: list[str] = Field(default_factory=list)
    args: list[str] = Field(default_factory=list)
    working_dir: str | None = None
    env: list[EnvVar] = Field(default_factory=list)
    ports: list[ContainerPort] = Field(default_factory=list)
    readiness_probe: Probe | None = None


class PodSpec(Model):
    """A pod with exactly one container."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"initContainers", "volumes", "hostNetwork", "ephemeralContainers"}
    )
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "serviceAccountName", "serviceAccount", "automountServiceAccountToken", "restartPolicy",
            "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "imagePullSecrets",
            "securityContext",
            "schedulerName", "priorityClassName", "dnsPolicy", "enableServiceLinks",
        }
    )  # fmt: skip

    containers: list[Container] = Field(min_length=1, max_length=1)
    termination_grace_period_seconds: int = Field(default=30, ge=0)


class TemplateMeta(Model):
    """Labels and annotations that every pod of a template gets."""

    inert: ClassVar[frozenset[str]] = frozenset({"creationTimestamp", "name", "namespace"})

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class PodTemplate(Model):
    """A PodTemplateSpec: what a revision is made of."""

    metadata: TemplateMeta = Field(default_factory=TemplateMeta)
    spec: PodSpec


class LabelSelector(Model):
    """Selects pods that carry all of these labels."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"matchExpressions"})

    match_labels: dict[str, str] = Field(default_factory=dict)


class DeploymentSpec(Model):
    """Replicas of one template."""

    inert: ClassVar[frozenset[str]] = frozenset(
        {"strategy", "revisionHistoryLimit", "progressDeadlineSeconds", "minReadySeconds", "paused"}
    )

    replicas: int | None = Field(default=None, ge=0)
    selector: LabelSelector = Field(default_factory=LabelSelector)
    template: PodTemplate


class Deployment(Object):
    """apps/v1 Deployment: the template of an App, or a workload of its own."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: Literal["apps/v1"] = "apps/v1"
    kind: Literal["Deployment"] = "Deployment"
    spec: DeploymentSpec


class ServicePort(Model):
    """A port of a Service. `appProtocol`, else the prefix of the name, says what is spoken; else HTTP is."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"nodePort"})

    name: DnsLabel | None = None
    port: int = Field(ge=1, le=65535)
    target_port: int | str | None = None
    protocol: Literal["TCP"] = "TCP"
    app_protocol: AppProtocol | None = None


class ServiceSpec(Model):
    """Ports and the pods behind them."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"externalName", "externalIPs", "publishNotReadyAddresses"}
    )
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "clusterIPs",
            "ipFamilies",
            "ipFamilyPolicy",
            "internalTrafficPolicy",
            "sessionAffinity",
        }
    )

    type: Literal["ClusterIP"] = "ClusterIP"
    cluster_ip: str | None = Field(default=None, alias="clusterIP")
    selector: dict[str, str] = Field(default_factory=dict)
    ports: list[ServicePort] = Field(min_length=1)

    @field_validator("cluster_ip")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value == "None":
            raise ValueError("a headless Service is not supported: leave clusterIP out")
        if value:
            IPv4Address(value)
        return value


class Service(Object):
    """v1 Service."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: Literal["v1"] = "v1"
    kind: Literal["Service"] = "Service"
    spec: ServiceSpec
