"""The one catalogue of what a user can get wrong: stable codes, titles, severities and remedies.

Every room adds its entries here, and `docs/problems.md` has a section for each. Groups: 1xx reading YAML,
2xx fields of one object, 3xx references between objects, 4xx routing, 5xx the local engine, 6xx commands.
A code is never given a second meaning. Must not know how any of them is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """Whether a problem stops what was asked."""

    ERROR = "error"
    WARNING = "warning"


class Place(NamedTuple):
    """Where something is written, counted from 1. line 0: `file` is not a file but names an object."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and what to write instead."""

    code: Code
    file: str
    line: int
    column: int
    text: str
    remedy: str

    @property
    def place(self) -> Place:
        """Where it is written."""
        return Place(self.file, self.line, self.column)

    @property
    def is_error(self) -> bool:
        """Whether it stops what was asked."""
        return self.code.severity is Severity.ERROR

    def written(self) -> dict[str, str | int]:
        """The problem as JSON values."""
        return {
            "code": self.code.id,
            "severity": self.code.severity.value,
            "text": self.text,
            "remedy": self.remedy,
            "file": self.file,
            "line": self.line,
            "column": self.column,
        }

    def __str__(self) -> str:
        return f"{self.place}: {self.code.severity} {self.code.id}: {self.text}; {self.remedy}"


_ERROR, _WARNING = Severity.ERROR, Severity.WARNING


class Code(Enum):
    """An entry of the catalogue: id, title, severity, and the remedy where no better one is known."""

    SYNTAX = "LW101", "not YAML", _ERROR, "correct the YAML"
    DUPLICATE_KEY = "LW102", "duplicate key", _ERROR, "keep one of the two"
    TAG = "LW103", "YAML that has no JSON form", _ERROR, "write plain YAML: text, numbers, lists and mappings"
    TOO_LARGE = (
        "LW104",
        "YAML too deep or too large",
        _ERROR,
        "write fewer levels, or fewer aliases of aliases",
    )
    NOT_AN_OBJECT = "LW105", "not an object", _ERROR, "write a mapping with apiVersion, kind and metadata"

    UNKNOWN_FIELD = "LW201", "unknown field", _ERROR, "remove it"
    REFUSED_FIELD = "LW202", "field not supported", _ERROR, "remove it"
    INERT_FIELD = "LW203", "field without effect", _WARNING, "remove it, or leave it for Kubernetes"
    WRONG_TYPE = "LW204", "wrong type", _ERROR, "correct the value"
    MISSING_FIELD = "LW205", "missing field", _ERROR, "add it"
    BAD_VALUE = "LW206", "value not allowed", _ERROR, "correct the value"
    UNKNOWN_KIND = "LW207", "unknown kind", _ERROR, "correct the kind, or remove the object"
    REFUSED_KIND = "LW208", "kind not supported", _ERROR, "remove the object"
    UNKNOWN_VERSION = "LW209", "apiVersion not supported", _ERROR, "correct the apiVersion"
    DUPLICATE_OBJECT = "LW210", "duplicate object", _ERROR, "keep one of the two, or rename one"
    INERT_KIND = "LW211", "kind without effect", _WARNING, "remove the object, or leave it for Kubernetes"
    BAD_NAME = "LW212", "name not usable", _ERROR, "use lowercase letters, digits and dashes, 63 at most"
    WORKLOAD = "LW220", "workload not exactly one", _ERROR, "write either `deployment: NAME` or `template:`"
    SCALE_TWICE = "LW221", "fixed size and bounds", _ERROR, "write either `replicas`, or `min` and `max`"
    SCALE_BOUNDS = "LW222", "bounds contradict", _ERROR, "write a `min` that is at most `max`"
    SCALE_METRICS = "LW223", "metrics without max", _ERROR, "add `max`"
    STEPS = "LW224", "steps do not rise to 100", _ERROR, "write weights that rise and end with 100"
    STEP_LIMIT = "LW225", "limit below hold", _ERROR, "write a `limit` of at least `hold`"
    SELECTOR = "LW226", "selector does not match", _ERROR, "write the template's own labels in the selector"
    SECOND_MESH = "LW227", "second Mesh", _ERROR, "keep one Mesh"
    NO_ENDPOINTS = (
        "LW228",
        "no endpoints",
        _ERROR,
        "add `endpoints` or `workloadSelector`, or write `resolution: DNS`",
    )
    STEP_GATE = "LW229", "gate not exactly one", _ERROR, "write one of `approval`, `command` and `webhook`"
    GUARDRAIL = "LW230", "bound not of the metric", _ERROR, "write a share for errors, a duration for latency"
    NOT_WEIGHTED = (
        "LW231",
        "port without weights",
        _WARNING,
        "declare HTTP, HTTP/2 or gRPC where that is spoken; else expect connections at every version",
    )
    METRIC_SOURCE = (
        "LW232",
        "source of a metric not exactly one",
        _ERROR,
        "write one of `prometheus` and `web`, or take `errors` or `latency`",
    )
    METRIC_QUESTION = (
        "LW233",
        "metric not of a version",
        _ERROR,
        "write $revision where the question names the version",
    )
    METRIC_FIELD = "LW234", "field not of the metric", _ERROR, "remove it"
    RAMP = (
        "LW235",
        "ramp that cannot follow",
        _ERROR,
        "write a `ramp` in place of `steps`, and judge by errors",
    )

    NO_DEPLOYMENT = "LW301", "Deployment missing", _ERROR, "add the Deployment, or correct the name"
    NO_PORT_NAME = "LW302", "container port missing", _ERROR, "name one of the container's ports"
    UNDECLARED_PORT = "LW303", "container port not declared", _WARNING, "declare it as a containerPort"
    NO_GATEWAY = "LW304", "Gateway missing", _ERROR, "add the Gateway, or correct the name"
    HOST_NOT_COVERED = "LW305", "host not on the Gateway", _ERROR, "add the host to a server of the Gateway"
    HALF_PUBLIC = "LW306", "hosts or gateways alone", _ERROR, "write both `hosts` and `gateways`, or neither"
    NAME_TAKEN = "LW307", "name that Laneway writes", _ERROR, "rename or remove the object"
    NO_HOST = "LW308", "host missing", _ERROR, "add the App, Service or ServiceEntry, or correct the host"
    NO_SUBSET = "LW309", "subset missing", _ERROR, "add the subset to the host's DestinationRule"
    NO_PORT = "LW310", "port missing", _ERROR, "use one of the host's ports"
    NO_APP = "LW311", "App missing", _ERROR, "add the App, or correct the name"
    APP_TWICE = "LW312", "App twice in a lane", _ERROR, "keep one entry"
    LANE_VALUE_TWICE = "LW313", "two lanes with one value", _ERROR, "give one of them another `value`"
    NO_LANE = "LW314", "lane missing", _ERROR, "add the Lane, or correct the name"
    FALLBACK_CYCLE = (
        "LW315",
        "fallback in a circle",
        _ERROR,
        "end the chain with a lane that falls back no further",
    )

    NO_CONFIGURATION = (
        "LW316",
        "ConfigMap or Secret missing",
        _ERROR,
        "add it, or write `optional: true` where it is named",
    )
    NO_KEY = "LW317", "key missing", _ERROR, "add the key, or write `optional: true` where it is named"

    MARK_TAKEN = "LW318", "header or cookie taken", _ERROR, "choose a name that nothing else uses"
    NO_BROWSER = (
        "LW319",
        "cookie without a gateway",
        _ERROR,
        "add `routing.gateways` and `routing.hosts`, or remove `sticky`",
    )
    NO_TARGET = "LW331", "nothing to scale", _ERROR, "add the Deployment, or correct the name"
    APP_SCALED = "LW332", "autoscaler of an App's template", _ERROR, "write it as `scale` of the App"
    SCALED_TWICE = "LW333", "two autoscalers", _ERROR, "keep one of the two"
    NO_METRIC = "LW334", "metric without a source", _ERROR, "write its URL under `metrics` of the Mesh"
    NO_REQUEST = "LW335", "utilization without a request", _ERROR, "add `resources.requests` to the container"

    TWO_WRITERS = "LW401", "host with two writers", _ERROR, "keep the rules of a host in one place"
    SAME_MATCH = "LW402", "same match twice", _ERROR, "change one of the two matches"
    NO_WEIGHT = "LW403", "no weight", _ERROR, "give at least one destination a weight above 0"
    TIMEOUT = "LW404", "timeout too short", _ERROR, "write at least 1ms, or remove it for no timeout"
    REGEX = "LW405", "not a regular expression of RE2", _ERROR, "correct the expression"
    STRING_MATCH = "LW406", "match not exactly one", _ERROR, "write exactly one of exact, prefix and regex"
    HEADER_CASE = "LW407", "header name not lowercase", _ERROR, "write it in lowercase"
    RULE_ACTION = (
        "LW408",
        "rule without one action",
        _ERROR,
        "write one of `route`, `redirect`, `directResponse`",
    )
    WILDCARD_HOST = "LW409", "wildcard host", _ERROR, "name each host"
    TRAFFIC_POLICY = "LW410", "traffic policy that cannot hold", _ERROR, "correct the policy"
    RULE_PARTS = "LW420", "parts of a rule contradict", _ERROR, "keep one of them"
    NO_ROUTE = "LW421", "no rule that routes", _ERROR, "add a rule without `redirect` and `directResponse`"

    NO_COMMAND = "LW501", "image without a command", _ERROR, "map the image in laneway.yaml"
    PORT_TAKEN = (
        "LW502",
        "ingress port taken",
        _ERROR,
        "choose another: --port PORT, or end who listens there",
    )
    NO_ADDRESS = "LW503", "no address free", _ERROR, "end another Laneway of this machine: laneway down"

    NO_ENGINE = "LW505", "no container engine", _ERROR, "install it, or run commands: --runtime process"
    NO_ISOLATION = "LW507", "isolation not possible", _ERROR, "take another: --isolation loopback"

    NOT_RUNNING = "LW601", "Laneway does not run", _ERROR, "start it: laneway up -f PATH"
    ALREADY_RUNNING = "LW602", "Laneway runs already", _ERROR, "stop it: laneway down"
    NO_STATE = "LW603", "state directory not usable", _ERROR, "name an empty or a new directory: --state DIR"
    DAEMON_ENDED = "LW604", "daemon ended", _ERROR, "resume it: laneway up; remove it: laneway down"
    TIME_OVER = "LW605", "time is over", _ERROR, "give more time with --timeout, or look: laneway status"
    NO_FILE = "LW606", "no file to read", _ERROR, "give a YAML file, a folder of such files, or -"
    NOT_FOUND = "LW607", "no such object", _ERROR, "list what there is: laneway get all"
    AMBIGUOUS = "LW608", "more than one object of that name", _ERROR, "choose with -n"
    NO_RELEASE = "LW609", "no such release", _ERROR, "look: laneway release status"
    DAEMON_REFUSED = "LW610", "daemon refused the request", _ERROR, "look at its log, daemon.log in the state"

    NOTHING_ADOPTED = (
        "LW611",
        "nothing to adopt",
        _ERROR,
        "look at the reasons; a Service needs one Deployment",
    )
    FOLDER_TAKEN = "LW612", "folder not empty", _ERROR, "name a new or an empty folder"

    NO_CLUSTER = "LW620", "cluster not reached", _ERROR, "look: kubectl cluster-info"
    NOT_INSTALLED = "LW621", "Laneway not in the cluster", _ERROR, "install it: laneway install --cluster"
    NO_CONTROLLER = (
        "LW622",
        "no controller acts",
        _ERROR,
        "look: kubectl -n istio-system get pods -l app.kubernetes.io/name=laneway; install: laneway install",
    )
    NOT_ALLOWED = "LW623", "no right in the cluster", _ERROR, "ask an administrator for it"
    CLUSTER_REFUSED = "LW624", "cluster refuses the object", _ERROR, "correct the object"
    OWNED = "LW625", "field of another owner", _ERROR, "change it there, or take it over: --take-over"
    NOT_ON_CLUSTER = "LW626", "not done on a cluster", _ERROR, "use kubectl for it"

    NOT_JSON = "LW630", "line that is no mapping of JSON", _ERROR, "write one mapping of JSON on each line"
    NOTHING_RECORDED = (
        "LW631",
        "nothing to replay",
        _ERROR,
        "record what the judge compares: requests and errors of stable, or their times",
    )
    NO_COUNTS = "LW632", "Prometheus gives no counts", _ERROR, "look whether it answers at this URL"

    def __init__(self, id: str, title: str, severity: Severity, remedy: str) -> None:
        self.id = id
        self.title = title
        self.severity = severity
        self.remedy = remedy

    def at(self, place: Place, text: str, remedy: str | None = None) -> Problem:
        """This problem, there. remedy: where it can be said better than by the catalogue."""
        return Problem(self, *place, text, remedy or self.remedy)
