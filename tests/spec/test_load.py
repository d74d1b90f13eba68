"""Objects and problems of texts."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from laneway.spec.app import App
from laneway.spec.load import KINDS, Source, load, parse, spec_of
from laneway.spec.meta import Key

APP = """\
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{port: 80, targetPort: http}]}
"""
RULES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: rules}
spec:
  hosts: [stub]
  http:
  - route:
    - destination: {host: stub}
"""


def problems_of(text: str) -> list[str]:
    """Every problem of one text."""
    return [str(problem) for problem in load([Source("a.yaml", text)]).problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            RULES + "    timout: 5s\n",
            "9:5: error LW201: unknown field spec.http[0].timout; did you mean timeout?",
        ),
        (
            RULES + "    match: [{headers: {x-a: {exat: b}}}]\n",
            "9:30: error LW201: unknown field spec.http[0].match[0].headers.x-a.exat; did you mean exact?",
        ),
        (
            RULES.replace("destination: {host", "destination: {hst"),
            "8:21: error LW201: unknown field spec.http[0].route[0].destination.hst; did you mean host?",
        ),
        (
            RULES.replace("{name: rules}", "{name: rules, zzz: 1}"),
            "3:25: error LW201: unknown field metadata.zzz; the fields here are annotations, "
            "creationTimestamp, "
            "generation, labels, name, namespace, resourceVersion, uid",
        ),
        (
            RULES + "    delegate: {name: a}\n",
            "9:5: error LW202: spec.http[0].delegate is not supported by Laneway, and refused "
            "rather than ignored; "
            "write the rules of the delegate here",
        ),
        (
            RULES + "  exportTo: ['.']\n",
            "9:14: error LW202: spec.exportTo[0]: '.' is not supported by Laneway, and refused rather than "
            "ignored; remove it: an object holds in every namespace here",
        ),
        (
            RULES + "    fault: {abort: {http2Error: REFUSED}}\n",
            "9:21: error LW202: spec.http[0].fault.abort.http2Error is not supported by Laneway, and "
            "refused rather than ignored; write `httpStatus` or `grpcStatus`",
        ),
        (
            APP + "  routing: {http: [{delegate: {name: a}}]}\n",
            "7:21: error LW202: spec.routing.http[0].delegate is not supported by Laneway, and "
            "refused rather than ignored; write the rules of the delegate here",
        ),
        (
            APP + "  release: {pin: {weight: 5%}}\n",
            "7:13: error LW202: spec.release.pin is not supported by Laneway, and "
            "refused rather than ignored; remove it: `laneway release pause` holds a release where it is",
        ),
        (
            RULES + "    directResponse: {status: 200, body: {bytes: '?'}}\n",
            "9:42: error LW206: spec.http[0].directResponse.body.bytes: not base64; "
            "write `string` for a text",
        ),
        (
            RULES + "    fault: {delay: {fixedDelay: 1s, exponentialDelay: 1s}}\n",
            "9:37: error LW202: spec.http[0].fault.delay.exponentialDelay is not supported by Laneway, and "
            "refused rather than "
            "ignored; write `fixedDelay`",
        ),
        (
            RULES.replace("{name: rules}", "{name: rules, finalizers: [a]}"),
            "3:25: warning LW203: metadata.finalizers has no effect here and is dropped; "
            "remove it, or leave it for Kubernetes",
        ),
        (
            RULES.replace("[stub]", "stub"),
            "5:3: error LW204: spec.hosts must be a list, not the text 'stub'; write [stub]",
        ),
        (
            RULES + "      weight: '3'\n",
            "9:7: error LW204: spec.http[0].route[0].weight must be a whole number, not the text '3'; "
            "write it without quotes: 3",
        ),
        (
            RULES.replace("{name: rules}", "{name: rules, labels: {a: 1}}"),
            '3:34: error LW204: metadata.labels.a must be text, not the number 1; write it in quotes: "1"',
        ),
        (
            RULES + "    match: [{ignoreUriCase: yes}]\n",
            "9:14: error LW204: spec.http[0].match[0].ignoreUriCase must be true or false, not the "
            "text 'yes'; "
            "write true",
        ),
        (
            APP.replace("targetPort: http", "targetPort: {}"),
            "6:32: error LW204: spec.service.ports[0].targetPort must be a whole number or text, not "
            "a mapping; "
            "correct the value",
        ),
        (
            RULES.replace("{name: rules}", "5"),
            "3:1: error LW204: metadata must be a mapping, not the number 5; correct the value",
        ),
        (
            APP.replace("{deployment: pharmacy}", ""),
            "5:3: error LW205: spec.workload is missing; add it",
        ),
        (
            APP.replace("{port: 80, ", "{"),
            "6:21: error LW205: spec.service.ports[0].port is missing; add it",
        ),
        (
            APP.replace("port: 80", "port: 0"),
            "6:22: error LW206: spec.service.ports[0].port is 0; write at least 1",
        ),
        (
            APP.replace("port: 80", "port: 65536"),
            "6:22: error LW206: spec.service.ports[0].port is 65536; write at most 65535",
        ),
        (
            APP.replace("port: 80", "port: 80, protocol: tcp"),
            "6:32: error LW206: spec.service.ports[0].protocol cannot be 'tcp'; write 'TCP'",
        ),
        (
            APP.replace("[{port: 80, targetPort: http}]", "[]"),
            "6:13: error LW206: spec.service.ports is empty; add at least 1",
        ),
        (
            APP.replace("deployment: pharmacy", "deployment: Pharmacy"),
            "5:14: error LW206: spec.workload.deployment is 'Pharmacy'; "
            "use lowercase letters, digits and dashes, like pharmacy-2",
        ),
        (
            APP + "  release: {steps: [{weight: 20, hold: 5 minutes}]}\n",
            "7:34: error LW206: spec.release.steps[0].hold: '5 minutes' is not a duration; "
            "write it like 90s, 2m, 1h30m or 250ms",
        ),
        (
            APP + "  release: {steps: [{weight: 20.001}]}\n",
            "7:22: error LW206: spec.release.steps[0].weight: 20.001 is not a percentage from 0 to 100; "
            "write it with at most two decimals",
        ),
        (
            APP.replace("kind: App", "kind: Aap"),
            "2:1: error LW207: unknown kind Aap; did you mean App?",
        ),
        (
            "apiVersion: apps/v1\nkind: DaemonSet\n",
            "2:1: error LW208: DaemonSet is not supported by Laneway, and refused rather than ignored; "
            "write a Deployment",
        ),
        (
            APP.replace("v1alpha1", "v1"),
            "1:1: error LW209: App of laneway.dev/v1 is not supported; write laneway.dev/v1alpha1",
        ),
        (
            "apiVersion: v1\nkind: ServiceAccount\n",
            "2:1: warning LW211: ServiceAccount has no effect here and is dropped; "
            "remove the object, or leave it for Kubernetes",
        ),
        ("kind: App\n", "1:1: error LW205: apiVersion is missing; add it"),
        ("apiVersion: v1\nkind: [App]\n", "2:1: error LW204: kind must be text; correct the value"),
        (
            "hello\n",
            "1:1: error LW105: this document is not an object; write a mapping with apiVersion, kind "
            "and metadata",
        ),
    ],
)
def test_what_is_wrong_is_said_in_place(text: str, problem: str) -> None:
    """One wrong thing is one problem, at its line and column, with what to write instead."""
    assert problems_of(text) == [f"a.yaml:{problem}"]


def test_all_problems_of_all_files_come_at_once() -> None:
    """In the order of the files and their lines."""
    found = load(
        [
            Source("b.yaml", RULES + "    fault: {abort: {http2Error: X}}\n    timeout: 5\n"),
            Source("a.yaml", "x: ["),
        ]
    )
    assert [(problem.file, problem.line, problem.code.id) for problem in found.problems] == [
        ("b.yaml", 9, "LW202"),
        ("b.yaml", 10, "LW206"),
        ("a.yaml", 2, "LW101"),
    ]


def test_duplicate_names_both_places() -> None:
    """The first one stands."""
    found = load([Source("a.yaml", APP), Source("b.yaml", APP.replace("80", "81"))])
    assert [str(problem) for problem in found.problems] == [
        "b.yaml:3:12: error LW210: App default/pharmacy is already in a.yaml:3:12; keep one of the "
        "two, or rename one"
    ]
    assert found.spec.apps[Key("default", "pharmacy")].spec.service.ports[0].port == 80


def test_object_with_an_error_is_left_out_and_with_a_warning_kept() -> None:
    """A dropped field does not come back."""
    loaded = load(
        [Source("a.yaml", APP + "status: {phase: x}\n"), Source("b.yaml", RULES.replace("[stub]", "5"))]
    )
    (app,) = loaded.objects
    assert "status" not in app.written()
    assert [problem.code.id for problem in loaded.errors] == ["LW204"]


def test_what_tools_print_for_nothing_is_nothing() -> None:
    """Nulls and empty statuses are fields left out."""
    text = APP.replace("{name: pharmacy}", "{name: pharmacy, creationTimestamp: null}") + "status: {}\n"
    assert problems_of(text) == []


def test_header_without_condition_is_present() -> None:
    """A null condition is an empty one, as in Istio."""
    loaded = load([Source("a.yaml", RULES + "    match:\n    - headers:\n        x-user:\n")])
    (rules,) = loaded.spec.virtual_services.values()
    assert rules.spec.http[0].match[0].headers["x-user"].written() == {}


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
def test_every_version_of_istio_is_read(version: str) -> None:
    """And kept as written."""
    text = RULES.replace("istio.io/v1", f"istio.io/{version}")
    (rules,) = load([Source("a.yaml", text)]).objects
    assert rules.written()["apiVersion"] == f"networking.istio.io/{version}"


def test_namespace_is_the_given_one_unless_written() -> None:
    """And it is part of what is written back."""
    both = APP + "---\n" + APP.replace("name: pharmacy}", "name: pharmacy, namespace: other}")
    loaded = load([Source("a.yaml", both)], namespace="shop")
    assert list(loaded.spec.apps) == [Key("shop", "pharmacy"), Key("other", "pharmacy")]
    assert loaded.objects[0].written()["metadata"] == {"name": "pharmacy", "namespace": "shop"}


def test_namespace_objects_are_ignored() -> None:
    """Without a word."""
    loaded = load([Source("a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")])
    assert (loaded.objects, loaded.problems) == ((), ())


def test_object_survives_the_way_through_a_store() -> None:
    """What is written parses to the same object, and to the same Spec."""
    text = (
        APP
        + "  release: {steps: [{weight: 12.5, hold: 90s}, {weight: 100}]}\n  scale: {min: 2, max: 9}\n---\n"
        + RULES
    )
    loaded = load([Source("a.yaml", text)])
    again = [parse(obj.written()) for obj in loaded.objects]
    assert again == list(loaded.objects) and spec_of(again) == loaded.spec
    app = again[0]
    assert isinstance(app, App) and app.spec.release.steps[0].hold == timedelta(seconds=90)


def test_place_of_an_object_that_was_not_read_is_its_name() -> None:
    """So that problems with stored objects can be told."""
    (app,) = load([Source("a.yaml", APP)]).objects
    assert str(load([]).place(app, ("spec",))) == "App default/pharmacy"


YAML_LIKE = st.lists(
    st.sampled_from(
        [
            *KINDS, "List", "kind", "apiVersion", "metadata", "name", "spec", "items",
            "laneway.dev/v1alpha1", "v1",
            ": ", "\n", "  ", "- ", "[", "]", "{", "}", ", ", "&a ", "*a", "<<", "~", "1", "1e400", "'",
        ]
    )
).map("".join)  # fmt: skip


@given(YAML_LIKE | st.text())
def test_no_text_makes_loading_raise(text: str) -> None:
    """Whatever it is given, loading answers with problems."""
    load([Source("a.yaml", text)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["hosts", "http", "ports", "match", "weight", "hold", "name"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.sampled_from(list(KINDS)), JSON, JSON)
def test_no_fields_make_loading_raise(kind: str, metadata: object, spec: object) -> None:
    """Nor does a value of any shape under the fields of any kind."""
    version = KINDS[kind].model_fields["api_version"].default
    text = yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})
    load([Source("a.yaml", text)])


def test_five_thousand_lines_load_in_a_moment() -> None:
    """The bound is ten times what it takes, so that only a change of order fails it."""
    one = APP.replace("pharmacy", "p{}") + "---\n" + RULES.replace("rules", "r{}") + "---\n"
    text = "".join(one.replace("{}", str(index)) for index in range(5_500 // one.count("\n")))
    started = time.process_time()
    loaded = load([Source("a.yaml", text)])
    assert not loaded.problems and time.process_time() - started < 1.0
