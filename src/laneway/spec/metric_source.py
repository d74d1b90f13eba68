"""Where a metric of one's own comes from: questions that are asked of each version. Must not know who asks.

Owns the words that are filled in for a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import Field

from laneway.spec.meta import Model
from laneway.spec.values import HTTP_URL

QUESTION_LENGTH_MAX = 4_096
"""Of a query or a URL: what rules of the API server read has to be bounded."""

REVISION = "$revision"
WORDS = (REVISION, "$app", "$namespace", "$host")
"""What stands for a version: its revision, its app's name and namespace, and its host inside the mesh."""

_WORD = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*")


class PrometheusSource(Model):
    """Queries in PromQL, asked of each version: either `bad` and `of`, or `gauge`.

    bad, of: counters as they stand, never rates: of the requests (or orders, or messages) that `of` counts,
    those that went wrong. Several series, as one of each pod, are added up; `sum by (pod)` keeps them few.
    gauge: one value, above 0. url: of another Prometheus than the engine's own.
    """

    url: str | None = Field(default=None, pattern=HTTP_URL, max_length=QUESTION_LENGTH_MAX)
    bad: str | None = Field(default=None, min_length=1, max_length=QUESTION_LENGTH_MAX)
    of: str | None = Field(default=None, min_length=1, max_length=QUESTION_LENGTH_MAX)
    gauge: str | None = Field(default=None, min_length=1, max_length=QUESTION_LENGTH_MAX)

    @property
    def is_gauge(self) -> bool:
        """Whether it gives a value; else counts."""
        return self.gauge is not None

    @property
    def questions(self) -> Mapping[str, str]:
        """What is asked about a version, by field."""
        asked = {"bad": self.bad, "of": self.of, "gauge": self.gauge}
        return {field: question for field, question in asked.items() if question is not None}


class WebSource(Model):
    """A URL that is asked of each version by GET, and answers with JSON.

    Without `gauge` it answers `{"bad": 3, "of": 100}`, both counted from its beginning; with it
    `{"value": 1.2}`, above 0.
    """

    url: str = Field(pattern=HTTP_URL, max_length=QUESTION_LENGTH_MAX)
    gauge: bool = False

    @property
    def is_gauge(self) -> bool:
        """Whether it gives a value; else counts."""
        return self.gauge

    @property
    def questions(self) -> Mapping[str, str]:
        """What is asked about a version, by field."""
        return {"url": self.url}


def filled(source: PrometheusSource | WebSource, words: Mapping[str, str]) -> PrometheusSource | WebSource:
    """The source as it is asked about one version. words: for each of `WORDS`, what it stands for."""

    def fill(question: str) -> str:
        return _WORD.sub(lambda found: words.get(found[0], found[0]), question)

    return source.model_copy(update={field: fill(each) for field, each in source.questions.items()})


def unknown_words(question: str) -> Iterator[str]:
    """What looks like a word to fill in, and is none."""
    return (found for found in _WORD.findall(question) if found not in WORDS)
