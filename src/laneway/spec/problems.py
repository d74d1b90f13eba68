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


class Code(Enum):
    """An entry of the catalogue: id, title, severity, and the remedy where no better one is known."""

    SYNTAX = "LW101", "not YAML", Severity.ERROR, "correct the YAML"
    DUPLICATE_KEY = "LW102", "duplicate key", Severity.ERROR, "keep one of the two"
    TAG = (
        "LW103",
        "YAML that has no JSON form",
        Severity.ERROR,
        "write plain YAML: text, numbers, lists and mappings",
    )
    TOO_LARGE = (
        "LW104",
        "YAML too deep or too large",
        Severity.ERROR,
        "write fewer levels, or fewer aliases of aliases",
    )
    NOT_AN_OBJECT = (
        "LW105",
        "not an object",
        Severity.ERROR,
        "write a mapping with apiVersion, kind and metadata",
    )

    UNKNOWN_FIELD = "LW201", "unknown field", Severity.ERROR, "remove it"
    REFUSED_FIELD = "LW202", "field not supported", Severity.ERROR, "remove it"
    INERT_FIELD = "LW203", "field without effect", Severity.WARNING, "remove it, or leave it for Kubernetes"
    WRONG_TYPE = "LW204", "wrong type", Severity.ERROR, "correct the value"
    MISSING_FIELD = "LW205", "missing field", Severity.ERROR, "add it"
    BAD_VALUE = "LW206", "value not allowed", Severity.ERROR, "correct the value"
    UNKNOWN_KIND = "LW207", "unknown kind", Severity.ERROR, "correct the kind, or remove the object"
    REFUSED_KIND = "LW208", "kind not supported", Severity.ERROR, "remove the object"
    UNKNOWN_VERSION = "LW209", "apiVersion not supported", Severity.ERROR, "correct the apiVersion"
    DUPLICATE_OBJECT = "LW210", "duplicate object", Severity.ERROR, "keep one of the two, or rename one"
    INERT_KIND = (
        "LW211",
        "kind without effect",
        Severity.WARNING,
        "remove the object, or leave it for Kubernetes",
    )
    BAD_NAME = (
        "LW212",
        "name not usable",
        Severity.ERROR,
        "use lowercase letters, digits and dashes, 63 at most",
    )
    WORKLOAD = (
        "LW220",
        "workload not exactly one",
        Severity.ERROR,
        "write either `deployment: NAME` or `template:`",
    )
    SCALE_TWICE = (
        "LW221",
        "fixed size and bounds",
        Severity.ERROR,
        "write either `replicas`, or `min` and `max`",
    )
    SCALE_BOUNDS = "LW222", "bounds contradict", Severity.ERROR, "write a `min` that is at most `max`"
    SCALE_METRICS = "LW223", "metrics without max", Severity.ERROR, "add `max`"
    STEPS = "LW224", "steps do not rise to 100", Severity.ERROR, "write weights that rise and end with 100"
    STEP_LIMIT = "LW225", "limit below hold", Severity.ERROR, "write a `limit` of at least `hold`"
    SELECTOR = (
        "LW226",
        "selector does not match",
        Severity.ERROR,
        "write the template's own labels in the selector",
    )
    SECOND_MESH = "LW227", "second Mesh", Severity.ERROR, "keep one Mesh"
    NO_ENDPOINTS = (
        "LW228",
        "no endpoints",
        Severity.ERROR,
        "add `endpoints` or `workloadSelector`, or write `resolution: DNS`",
    )

    NO_DEPLOYMENT = "LW301", "Deployment missing", Severity.ERROR, "add the Deployment, or correct the name"
    NO_PORT_NAME = "LW302", "container port missing", Severity.ERROR, "name one of the container's ports"
    UNDECLARED_PORT = (
        "LW303",
        "container port not declared",
        Severity.WARNING,
        "declare it as a containerPort",
    )
    NO_GATEWAY = "LW304", "Gateway missing", Severity.ERROR, "add the Gateway, or correct the name"
    HOST_NOT_COVERED = (
        "LW305",
        "host not on the Gateway",
        Severity.ERROR,
        "add the host to a server of the Gateway",
    )
    HALF_PUBLIC = (
        "LW306",
        "hosts or gateways alone",
        Severity.ERROR,
        "write both `hosts` and `gateways`, or neither",
    )
    NAME_TAKEN = "LW307", "name that Laneway writes", Severity.ERROR, "rename or remove the object"
    NO_HOST = (
        "LW308",
        "host missing",
        Severity.ERROR,
        "add the App, Service or ServiceEntry, or correct the host",
    )
    NO_SUBSET = "LW309", "subset missing", Severity.ERROR, "add the subset to the host's DestinationRule"
    NO_PORT = "LW310", "port missing", Severity.ERROR, "use one of the host's ports"
    NO_APP = "LW311", "App missing", Severity.ERROR, "add the App, or correct the name"
    APP_TWICE = "LW312", "App twice in a lane", Severity.ERROR, "keep one entry"
    LANE_VALUE_TWICE = "LW313", "two lanes with one value", Severity.ERROR, "give one of them another `value`"
    NO_LANE = "LW314", "lane missing", Severity.ERROR, "add the Lane, or correct the name"
    FALLBACK_CYCLE = (
        "LW315",
        "fallback in a circle",
        Severity.ERROR,
        "end the chain with a lane that falls back no further",
    )

    TWO_WRITERS = "LW401", "host with two writers", Severity.ERROR, "keep the rules of a host in one place"
    SAME_MATCH = "LW402", "same match twice", Severity.ERROR, "change one of the two matches"
    NO_WEIGHT = "LW403", "no weight", Severity.ERROR, "give at least one destination a weight above 0"
    TIMEOUT = "LW404", "timeout too short", Severity.ERROR, "write at least 1ms, or remove it for no timeout"
    REGEX = "LW405", "not a regular expression of RE2", Severity.ERROR, "correct the expression"
    STRING_MATCH = (
        "LW406",
        "match not exactly one",
        Severity.ERROR,
        "write exactly one of exact, prefix and regex",
    )
    HEADER_CASE = "LW407", "header name not lowercase", Severity.ERROR, "write it in lowercase"
    RULE_ACTION = (
        "LW408",
        "rule without one action",
        Severity.ERROR,
        "write either `route` or `directResponse`",
    )
    WILDCARD_HOST = "LW409", "wildcard host", Severity.ERROR, "name each host"

    NO_COMMAND = "LW501", "image without a command", Severity.ERROR, "map the image in laneway.yaml"

    NOT_RUNNING = "LW601", "Laneway does not run", Severity.ERROR, "start it: laneway up -f PATH"
    ALREADY_RUNNING = "LW602", "Laneway runs already", Severity.ERROR, "stop it: laneway down"
    NO_STATE = (
        "LW603",
        "state directory not usable",
        Severity.ERROR,
        "name an empty or a new directory: --state DIR",
    )
    DAEMON_ENDED = "LW604", "daemon ended", Severity.ERROR, "resume it: laneway up; remove it: laneway down"
    TIME_OVER = (
        "LW605",
        "time is over",
        Severity.ERROR,
        "give more time with --timeout, or look: laneway status",
    )
    NO_FILE = "LW606", "no file to read", Severity.ERROR, "give a YAML file, a folder of such files, or -"
    NOT_FOUND = "LW607", "no such object", Severity.ERROR, "list what there is: laneway get all"
    AMBIGUOUS = "LW608", "more than one object of that name", Severity.ERROR, "choose with -n"
    NO_RELEASE = "LW609", "no such release", Severity.ERROR, "look: laneway release status"
    DAEMON_REFUSED = (
        "LW610",
        "daemon refused the request",
        Severity.ERROR,
        "look at its log, daemon.log in the state",
    )

    def __init__(self, id: str, title: str, severity: Severity, remedy: str) -> None:
        self.id = id
        self.title = title
        self.severity = severity
        self.remedy = remedy

    def at(self, place: Place, text: str, remedy: str | None = None) -> Problem:
        """This problem, there. remedy: where it can be said better than by the catalogue."""
        return Problem(self, *place, text, remedy or self.remedy)
