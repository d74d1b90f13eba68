"""The Kubernetes kinds that Laneway reads, one module for each: Deployment and its pod, Service, settings."""

from laneway.spec.kubernetes.configuration import ConfigMap, Secret
from laneway.spec.kubernetes.container import (
    Container,
    ContainerPort,
    EnvFrom,
    EnvVar,
    EnvVarSource,
    KeyRef,
    ResourceRequirements,
    VolumeMount,
)
from laneway.spec.kubernetes.deployment import Deployment, DeploymentSpec, LabelSelector
from laneway.spec.kubernetes.pod import PodSpec, PodTemplate, TemplateMeta
from laneway.spec.kubernetes.probe import HttpGet, Lifecycle, LifecycleHandler, Probe, TcpSocket
from laneway.spec.kubernetes.service import Service, ServicePort, ServiceSpec

__all__ = [
    "ConfigMap",
    "Container",
    "ContainerPort",
    "Deployment",
    "DeploymentSpec",
    "EnvFrom",
    "EnvVar",
    "EnvVarSource",
    "HttpGet",
    "KeyRef",
    "LabelSelector",
    "Lifecycle",
    "LifecycleHandler",
    "PodSpec",
    "PodTemplate",
    "Probe",
    "ResourceRequirements",
    "Secret",
    "Service",
    "ServicePort",
    "ServiceSpec",
    "TcpSocket",
    "TemplateMeta",
    "VolumeMount",
]
