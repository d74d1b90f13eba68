"""Workloads: names, labels and templates of what is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from laneway.manifests import names
from laneway.manifests.services import app_service, lane_service, subsets
from laneway.manifests.workloads import autoscaler, kept_template, lane_deployment, revision_deployment
from laneway.plan.observed import Role
from laneway.plan.result import AppPlan, LaneVersionPlan, VersionPlan
from laneway.plan.revision import revision_of
from laneway.spec.app import App, Scale
from laneway.spec.kubernetes import Deployment, EnvVar, PodTemplate, Service
from laneway.spec.meta import Key
from laneway.spec.release_policy import Drain

KEY = Key("shop", "pharmacy")
TEMPLATE: dict[str, Any] = {
    "metadata": {
        "labels": {"app": "pharmacy", "tier": "gold"},
        "annotations": {"sidecar.istio.io/inject": "false"},
    },
    "spec": {
        "containers": [
            {
                "name": "pharmacy",
                "image": "registry/pharmacy:1",
                "command": ["run"],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 8080}],
                "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
            }
        ],
        "terminationGracePeriodSeconds": 5,
    },
}


def template(**changes: Any) -> PodTemplate:
    """A rich template."""
    return PodTemplate.model_validate(TEMPLATE | changes)


def version(**changes: Any) -> VersionPlan:
    """A revision of the template with three pods."""
    found = template()
    fields: dict[str, Any] = {"role": Role.STABLE, "replicas": 3, "subset": True} | changes
    return VersionPlan(revision=revision_of(found), template=found, **fields)


def lane(of: PodTemplate) -> LaneVersionPlan:
    """A lane's version that runs this template."""
    return LaneVersionPlan(Key("shop", "green"), "pharmacy", "aaa", of, 2)


def lane_template(of: LaneVersionPlan) -> PodTemplate:
    """What the pods of a lane's version run."""
    return Deployment.model_validate(lane_deployment(of, of.template.written())).spec.template


def app() -> App:
    """The App of the template."""
    spec = {"workload": {"deployment": "pharmacy"}, "service": {"ports": [{"port": 80, "targetPort": 8080}]}}
    return App.model_validate({"metadata": {"name": "pharmacy", "namespace": "shop"}, "spec": spec})


def test_a_kept_template_has_the_same_revision_when_it_is_read_back() -> None:
    """Else every restart would see another revision, and release it."""
    kept = kept_template(KEY, version())
    parsed = PodTemplate.model_validate(kept["data"]["template"])
    assert revision_of(parsed) == kept["metadata"]["labels"][names.REVISION] == version().revision
    assert parsed == version().template


def test_defaults_that_are_written_out_do_not_make_another_revision() -> None:
    """The same pods, however they were written."""
    probe = {
        "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
        "periodSeconds": 1,
        "timeoutSeconds": 1,
    }
    container = TEMPLATE["spec"]["containers"][0] | {"readinessProbe": probe, "args": []}
    spec = {"terminationGracePeriodSeconds": 5, "containers": [container]}
    assert revision_of(template(spec=spec)) == revision_of(template())


def test_any_change_of_the_pods_makes_another_revision() -> None:
    """Labels, annotations, images, variables: what is released is what changed."""
    labels = {"metadata": {"labels": {"app": "pharmacy"}}}
    container = TEMPLATE["spec"]["containers"][0] | {"env": []}
    others = [template(**labels), template(spec={"containers": [container]}), template()]
    assert len({revision_of(each) for each in others}) == 3


def test_a_revision_s_pods_carry_the_app_s_labels_and_its_own() -> None:
    """The app's Service selects them, the subset just them; the mesh knows the app by canonical name."""
    deployment = Deployment.model_validate(revision_deployment(KEY, version(), Drain()))
    labels = deployment.spec.template.metadata.labels
    assert deployment.spec.selector.match_labels.items() <= labels.items()
    assert {"app": "pharmacy", "tier": "gold", names.CANONICAL_NAME: "pharmacy"}.items() <= labels.items()
    service = Service.model_validate(app_service(app()))
    assert service.spec.selector.items() <= labels.items()
    plan = AppPlan(KEY, version().revision, (version(),), {})
    (subset,) = subsets(app(), plan)["spec"]["subsets"]
    assert subset["labels"].items() <= labels.items()


def test_no_service_but_its_lane_s_selects_a_lane_s_pods() -> None:
    """Callers outside of the mesh, and users' own Services, would reach them otherwise."""
    deployment = Deployment.model_validate(lane_deployment(lane(template()), template().written()))
    labels = deployment.spec.template.metadata.labels
    assert not {"app", "tier", names.APP, names.REVISION} & labels.keys()
    assert not app_service(app())["spec"]["selector"].items() <= labels.items()
    assert lane_service(app(), lane(template()))["spec"]["selector"].items() <= labels.items()
    assert deployment.spec.template.metadata.annotations == TEMPLATE["metadata"]["annotations"]


def test_a_lane_s_deployment_is_the_same_from_its_own_template() -> None:
    """While a version leaves it is written as it was seen: no pod may be replaced by that."""
    first = lane_deployment(lane(template()), template().written())
    seen = PodTemplate.model_validate(first["spec"]["template"])
    assert lane_deployment(lane(seen), seen.written()) == first


def test_a_lane_patches_image_and_variables_and_nothing_else() -> None:
    """A variable of the same name is replaced in place; new ones follow; done twice it is the same."""
    env = (EnvVar(name="B", value="3"), EnvVar(name="C", value="4"))
    written = lane_template(replace(lane(template()), image="new", env=env))
    container = written.spec.containers[0]
    assert container.image == "new"
    assert [(each.name, each.value) for each in container.env] == [("A", "1"), ("B", "3"), ("C", "4")]
    assert lane_template(lane(template())).spec == template().spec
    assert lane_template(replace(lane(written), image="new", env=env)) == written


CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
}
QUEUE = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}},
}


def scale(*metrics: Any, **more: Any) -> Scale:
    """An App's `scale` with these metrics."""
    return Scale.model_validate({"min": 4, "max": 20, "metrics": list(metrics), **more})


def scaler(version: VersionPlan, scale: Scale) -> dict[str, Any]:
    """The spec of a version's autoscaler."""
    found = autoscaler(AppPlan(KEY, "aaa", (), {}), version, scale)
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


def test_an_autoscaler_has_the_bounds_of_its_weight_and_the_user_s_metrics() -> None:
    """Without metrics there is none: an empty list would mean 80 % of the CPU."""
    spec = scaler(version(bounds=(1, 4)), scale(CPU))
    assert (spec["minReplicas"], spec["maxReplicas"], spec["metrics"]) == (1, 4, [CPU])
    assert spec["scaleTargetRef"]["name"] == revision_deployment(KEY, version(), Drain())["metadata"]["name"]
    assert autoscaler(AppPlan(KEY, "aaa", (), {}), version(), scale()) is None


def test_an_autoscaler_always_says_its_pace() -> None:
    """Kubernetes without `behavior` brings back what a shift of weight took, for as long as it remembers."""
    assert scaler(version(bounds=(1, 4)), scale(CPU))["behavior"] == {
        "scaleDown": {"stabilizationWindowSeconds": 300}
    }
    said = {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}}
    assert scaler(version(bounds=(1, 4)), scale(CPU, behavior=said))["behavior"] == said


@pytest.mark.parametrize(("carry", "target"), [(10_000, "30"), (2_000, "150"), (9_500, "31579m")])
def test_the_whole_app_s_value_is_measured_against_the_version_s_share(carry: int, target: str) -> None:
    """A version that carries a fifth of the load does a fifth of the queue: its target is five times it."""
    metrics = scaler(version(bounds=(1, 4), carry=carry), scale(CPU, QUEUE))["metrics"]
    assert metrics[0] == CPU
    assert metrics[1]["external"]["target"] == {"type": "AverageValue", "averageValue": target}


def test_how_pods_go_stands_on_their_deployment_and_not_in_its_template() -> None:
    """Changing it makes no new pods."""
    drain = Drain.model_validate({"limit": "2h", "grace": "5s"})
    before, after = (revision_deployment(KEY, version(), each) for each in (Drain(), drain))
    assert before["spec"] == after["spec"]
    assert before["metadata"]["annotations"] == {"laneway.dev/drain-limit": "10m"}
    assert after["metadata"]["annotations"] == {
        "laneway.dev/drain-limit": "2h",
        "laneway.dev/drain-grace": "5s",
    }
