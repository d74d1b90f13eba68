"""What is wrong between objects that are right by themselves: the table of rules, their faults as problems.

Must not know what any one rule says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from laneway.spec.load import Loaded, place_of, ref_of
from laneway.spec.meta import Object
from laneway.spec.problems import Place, Problem
from laneway.spec.rules import (
    app,
    autoscaling,
    cohorts,
    gateways,
    hosts,
    http,
    judge,
    lane,
    objects,
    policy,
    workloads,
)
from laneway.spec.rules.scope import Fault, Scope, scope_of
from laneway.spec.yaml import Path

Rule = Callable[[Scope], Iterator[Fault]]

RULES: tuple[Rule, ...] = (
    app.workload_is_exactly_one,
    app.hosts_and_gateways_together,
    app.size_is_fixed_or_bounded,
    app.bounds_agree,
    app.metrics_have_a_max,
    app.steps_rise_to_full,
    app.limit_holds_the_hold,
    app.gates_are_exactly_one,
    app.bounds_fit_their_metric,
    judge.ramps_can_follow,
    judge.sources_are_exactly_one,
    judge.questions_are_of_a_version,
    judge.fields_are_of_the_metric,
    app.target_port_names_exist,
    app.target_ports_are_declared,
    app.weights_are_for_requests,
    cohorts.preview_headers_are_free,
    cohorts.cookies_are_set_at_gateways,
    cohorts.cookies_differ_on_a_host,
    autoscaling.bounds_agree,
    autoscaling.one_autoscaler_for_each_deployment,
    autoscaling.templates_scale_with_their_app,
    autoscaling.utilization_has_a_request,
    lane.lane_apps_differ,
    lane.lane_values_differ,
    lane.fallback_ends,
    objects.one_mesh,
    objects.names_are_labels,
    objects.names_of_lane_services_fit,
    objects.names_are_free,
    objects.selector_matches_template,
    objects.service_port_names_exist,
    objects.static_entries_have_endpoints,
    workloads.keys_exist,
    http.matches_say_one_thing,
    http.regexes_are_of_re2,
    http.header_names_are_lowercase,
    http.timeouts_last,
    http.rules_do_one_thing,
    http.rules_are_whole,
    http.apps_get_requests,
    http.weights_add_up,
    hosts.wildcards_are_for_gateways,
    hosts.one_writer_for_each_mesh_host,
    hosts.one_policy_for_each_app,
    policy.policies_hold,
    gateways.matches_on_a_public_host_differ,
    gateways.one_writer_for_each_public_host,
)
"""Rules that what is there keeps or breaks, whatever else there may be."""

RULES_OF_THE_WHOLE: tuple[Rule, ...] = (
    app.deployment_exists,
    autoscaling.targets_exist,
    autoscaling.metrics_have_a_source,
    lane.lane_apps_exist,
    lane.fallback_lanes_exist,
    workloads.configuration_exists,
    hosts.destinations_exist,
    hosts.mesh_hosts_exist,
    hosts.policy_hosts_exist,
    hosts.subsets_exist,
    hosts.ports_exist,
    gateways.gateways_exist,
    gateways.hosts_are_covered,
    gateways.credentials_exist,
)
"""Rules about what is missing: they say nothing of use where some objects could not be read."""


def check(loaded: Loaded, stored: Iterable[Object] = ()) -> tuple[Problem, ...]:
    """Everything that is wrong: the problems of reading, and those between what was read and what is stored.

    stored: objects that people wrote before, none of Laneway's own; one that was read again is replaced.
    """
    world = {ref_of(obj): obj for obj in (*stored, *loaded.objects)}
    found = check_objects(world.values(), loaded.place, whole=not loaded.errors)
    return (*loaded.problems, *found)


def check_objects(
    written: Iterable[Object], place: Callable[[Object, Path], Place] = place_of, whole: bool = True
) -> tuple[Problem, ...]:
    """What is wrong between these objects, in the order of their places.

    place: where a part of an object is written; whole: whether these are all objects, so that what is missing
    among them is missing.
    """
    scope = scope_of(written)
    rules = (*RULES, *RULES_OF_THE_WHOLE) if whole else RULES
    faults = [fault for rule in rules for fault in rule(scope)]
    problems = [fault.code.at(place(fault.obj, fault.path), fault.text, fault.remedy) for fault in faults]
    return tuple(sorted(problems, key=lambda problem: problem.place))
