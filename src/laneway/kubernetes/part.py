"""The part of a cluster that one plan is about: some apps, with everything that they need, as values.

Owns how stored objects become what people want. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from laneway.control.observe import Body, Parsed, wanted
from laneway.kubernetes.api.seen import Seen
from laneway.kubernetes.configuration import Copy, frozen, references
from laneway.kubernetes.index import Index
from laneway.kubernetes.parsing import Moving
from laneway.kubernetes.template_hold import size_of
from laneway.spec.meta import Key
from laneway.spec.template import RawTemplate, Template
from laneway.spec.world import Spec

PLACEHOLDER: dict[str, Any] = {"spec": {"containers": [{"name": "app"}]}}
"""Stands for an inline template, which is read as it is."""


def read_template(body: Body) -> Template:
    """A template as it is stored. Raises ValueError for one that is damaged."""
    if not isinstance(body.get("spec"), Mapping):
        raise ValueError("a template without a spec")
    return RawTemplate(body)


@dataclass(frozen=True, slots=True)
class Part:
    """Some apps.

    objects: everything of theirs, by kind; unreadable: apps that are not right, and why; copies: of the
    configuration that their templates name, by app.
    """

    apps: tuple[Key, ...]
    spec: Spec
    objects: Mapping[str, list[Body]]
    unreadable: Mapping[Key, str]
    copies: Mapping[Key, list[Copy]]


def part(index: Index, apps: tuple[Key, ...], parsed: Moving) -> Part:
    """What there is of these apps.

    An App that cannot be read stays as it is: nothing of it is planned. One that is being deleted is not
    among those that people want, while what was made of it is still there.
    """
    leaving = {app for app in apps if index.objects["App"][app].deleting}
    objects: dict[str, list[Body]] = {
        kind: [parsed.body(seen) for seen in found] for kind, found in index.derived(apps).items()
    }
    damaged = [rules for rules in objects.get("VirtualService", ()) if _why_not(rules, parsed)]
    objects["VirtualService"] = [r for r in objects.get("VirtualService", ()) if r not in damaged]
    templates: dict[Key, Template] = {}
    sizes: dict[Key, int] = {}
    unreadable: dict[Key, str] = {}
    copies: dict[Key, list[Copy]] = {}
    objects["App"] = []
    for app in (app for app in apps if app not in leaving):
        body: Body = parsed.body(index.objects["App"][app])
        template = body["spec"]["workload"].get("template")
        if template is not None:
            body = _without_template(body)
        elif (source := index.template(app)) is not None:
            deployment = parsed.body(source)
            template = deployment["spec"]["template"]
            sizes[app] = size_of(deployment)
        if template is not None:
            index.contents.reads(
                app, ((kind, Key(app.namespace, name)) for kind, name in references(template))
            )
            template, copies[app] = frozen(app, template, index.contents.get)
            templates[app] = read_template(template)
        if (why := _why_not(body, parsed)) is None:
            objects["App"].append(body)
        else:
            unreadable[app] = why
    readable = [app for app in apps if app not in unreadable and app not in leaving]
    for kind, found in _beside(index, readable).items():
        objects[kind] = [body for seen in found if _why_not(body := parsed.body(seen), parsed) is None]
    spec = wanted({k: v for k, v in objects.items() if k in {"App", "Lane", "Mesh", "Release"}}, parsed)
    return Part(apps, replace(spec, templates=templates, sizes=sizes), objects, unreadable, copies)


def _without_template(app: Body) -> Body:
    workload = {**app["spec"]["workload"], "template": PLACEHOLDER}
    return {**app, "spec": {**app["spec"], "workload": workload}}


def _beside(index: Index, apps: Iterable[Key]) -> dict[str, Iterable[Seen]]:
    namespaces = sorted({app.namespace for app in apps})
    return {
        "Lane": [lane for namespace in namespaces for lane in index.lanes_of(namespace)],
        "Release": index.releases(apps),
        "Mesh": list(index.objects["Mesh"].values()),
    }


def _why_not(body: Body, parsed: Parsed) -> str | None:
    try:
        parsed.object(body)
    except (ValidationError, KeyError) as error:
        return str(error)
    return None
