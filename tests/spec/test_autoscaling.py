"""Autoscalers as people write them: what is refused, where, and with which remedy."""

from __future__ import annotations

import pytest

from laneway.spec.autoscaling import HorizontalPodAutoscaler
from laneway.spec.check import check
from laneway.spec.load import Source, load
from laneway.spec.meta import Key

WORKER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: main, image: "registry/worker:1", resources: {requests: {cpu: 100m}}}]}
"""
SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: worker}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  maxReplicas: 5
"""
APP = """\
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: worker}
spec:
  workload: {deployment: worker}
  service: {ports: [{port: 80}]}
"""
MESH = """\
apiVersion: laneway.dev/v1alpha1
kind: Mesh
metadata: {name: default}
spec: {metrics: {queue: "http://127.0.0.1:9100/queue"}}
"""
EXTERNAL = "{type: External, external: {metric: {name: queue}, target: {type: Value, value: 30}}}"
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}"
PODS = "{type: Pods, pods: {metric: {name: %s}, target: {type: AverageValue, averageValue: 9}}}"
MEMORY = CPU.replace("cpu", "memory")


def problems(*texts: str) -> list[str]:
    """All that is wrong between texts, the first of which is a.yaml."""
    sources = [Source(f"{name}.yaml", text) for name, text in zip("abcd", texts, strict=False)]
    return [str(problem) for problem in check(load(sources))]


def metrics(*written: str) -> str:
    """An autoscaler with these metrics."""
    return SCALER + "  metrics:\n" + "".join(f"  - {each}\n" for each in written)


def test_what_kubernetes_takes_is_right() -> None:
    """Every field that there is."""
    behavior = """\
  minReplicas: 2
  behavior:
    scaleUp: {stabilizationWindowSeconds: 0, selectPolicy: Min, tolerance: 0.05, policies: [
      {type: Pods, value: 2, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]}
    scaleDown: {selectPolicy: Disabled}
"""
    text = metrics(
        CPU,
        EXTERNAL.replace("{name: queue}", "{name: queue, selector: {matchLabels: {team: a}}}"),
        "{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 64Mi}}}",
        PODS % "requests_per_second",
        "{type: Object, object: {describedObject: {kind: Service, name: a}, metric: {name: queue}, "
        "target: {type: AverageValue, averageValue: 500m}}}",
    )
    assert problems(text + behavior, WORKER, MESH) == []


def test_without_metrics_it_goes_by_80_percent_of_the_cpu() -> None:
    """Kubernetes' default; the minimum is 1."""
    (scaler,) = load([Source("a.yaml", SCALER)]).objects
    assert isinstance(scaler, HorizontalPodAutoscaler)
    assert scaler.spec.min_replicas == 1
    (metric,) = scaler.spec.followed
    assert metric.resource is not None
    assert (metric.resource.name, metric.target.average_utilization) == ("cpu", 80)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            (metrics("{type: ContainerResource, containerResource: {name: cpu, container: main}}"),),
            "a.yaml:8:31: error LW202: spec.metrics[0].containerResource is not supported by Laneway, and "
            "refused rather than ignored; write type Resource: a pod has one container",
        ),
        (
            (metrics("{type: Resource}"),),
            "a.yaml:8:5: error LW206: spec.metrics[0]: `resource` without type Resource; "
            "write the field that the type names",
        ),
        (
            (metrics(CPU.replace("averageUtilization: 70", "averageValue: 1")),),
            "a.yaml:8:44: error LW206: spec.metrics[0].resource.target: `averageUtilization` without type "
            "Utilization; write the field that the type names",
        ),
        (
            (metrics(CPU.replace("70", "0")),),
            "a.yaml:8:72: error LW206: spec.metrics[0].resource.target.averageUtilization is 0; "
            "write at least 1",
        ),
        (
            (metrics(PODS % "hits"),),
            "a.yaml:8:18: error LW206: spec.metrics[0].pods: pods have no metric 'hits' here; "
            "write requests_per_second",
        ),
        (
            (SCALER + "  minReplicas: 6\n", WORKER),
            "a.yaml:7:3: error LW222: minReplicas 6 is above maxReplicas 5; "
            "write a `min` that is at most `max`",
        ),
        (
            (SCALER + "  minReplicas: 0\n",),
            "a.yaml:7:3: error LW206: spec.minReplicas is 0; write at least 1",
        ),
        (
            (SCALER + "  behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 9000}]}}\n",),
            "a.yaml:7:58: error LW206: spec.behavior.scaleUp.policies[0].periodSeconds is 9000; "
            "write at most 1800",
        ),
        (
            (SCALER,),
            "a.yaml:5:59: error LW331: there is no Deployment default/worker that can be scaled; "
            "add the Deployment, or correct the name",
        ),
        (
            (SCALER, WORKER, APP),
            "a.yaml:5:3: error LW332: Deployment default/worker is the template of App default/worker; "
            "write it as `scale` of the App",
        ),
        (
            (SCALER.replace("name: worker}\nspec", "name: other}\nspec"), WORKER, SCALER),
            "c.yaml:5:3: error LW333: HorizontalPodAutoscaler default/other and HorizontalPodAutoscaler "
            "default/worker both scale Deployment default/worker; keep one of the two",
        ),
        (
            (metrics(EXTERNAL.replace("queue", "lag")), WORKER, MESH),
            "a.yaml:8:42: error LW334: the Mesh does not say where metric lag is read; "
            "write its URL under `metrics` of the Mesh; there is queue",
        ),
        (
            (metrics(MEMORY), WORKER),
            "a.yaml:8:47: error LW335: the container requests no memory, of which utilization is a "
            "percentage; add `resources.requests.memory`, or write type AverageValue",
        ),
        (
            (APP + f"  scale:\n    min: 1\n    max: 2\n    metrics:\n    - {MEMORY}\n", WORKER),
            "a.yaml:11:49: error LW335: the container requests no memory, of which utilization is a "
            "percentage; add `resources.requests.memory`, or write type AverageValue",
        ),
        (
            (MESH.replace("http:", "ftp:"),),
            "a.yaml:4:18: error LW206: spec.metrics.queue is 'ftp://127.0.0.1:9100/queue'; "
            "write a URL like http://127.0.0.1:9100/queue-length",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_its_remedy(texts: tuple[str, ...], problem: str) -> None:
    """Of the object itself, and between it and others."""
    assert problem in problems(*texts)


def test_an_autoscaler_is_kept_by_its_name() -> None:
    """With all others of its kind."""
    assert list(load([Source("a.yaml", SCALER)]).spec.autoscalers) == [Key("default", "worker")]
