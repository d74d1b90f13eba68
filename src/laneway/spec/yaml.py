"""YAML text to JSON values that remember where they were written.

The scalars are those of YAML 1.2's core schema that JSON has too: `yes` and `on` are text, as is a date;
but a number like 0400 is octal, as kubectl reads it. Duplicate keys are problems, merge keys (`<<`) work, a
`kind: List` is unfolded. Must not know any other kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.error import Mark, MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from laneway.spec.problems import Code, Place, Problem

DEPTH_MAX = 100
"""Levels of nesting, aliases included. A pod template has about 15."""
NODES_MAX = 500_000
"""Values in one file, with every alias written out: a few kilobytes of aliases can stand for billions."""

Path = tuple[str | int, ...]
"""Keys and indexes from the top of a document."""

_PREFIX = "tag:yaml.org,2002:"
_TEXT = _PREFIX + "str"
_OCTAL = re.compile(r"0[0-7]+")
_CORE = re.compile(
    r"(?P<null>~|null|Null|NULL|)"
    r"|(?P<bool>true|True|TRUE|false|False|FALSE)"
    r"|(?P<int>[-+]?[0-9]{1,19}|0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16})"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)


@dataclass(frozen=True, slots=True)
class Document:
    """One object as it was written: its JSON value, and the place of each part of it."""

    file: str
    value: Any
    _root: Node
    _values: _Values

    def place(self, path: Path = ()) -> Place:
        """Where the key or list item at `path` is written; of its nearest parent where it is not written."""
        node = found = self._root
        for step in path:
            entry = self._values.entry(node, step)
            if entry is None:
                break
            found, node = entry
        return _place(self.file, found.start_mark)


def read(text: str, file: str) -> tuple[list[Document], list[Problem]]:
    """All documents of a file, and what is wrong with it. Nothing is read after a syntax error."""
    values = _Values(file)
    documents: list[Document] = []
    try:
        parser = _Parser(text)
        while parser.check_node() and (root := parser.get_node()):
            documents.extend(_unfolded(Document(file, values.of(root), root, values)))
    except MarkedYAMLError as error:
        values.problems.append(_syntax_problem(error, text, file))
    except ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        text = f"character U+{int(error.character):04X} is not allowed in YAML"
        values.problems.append(
            Code.SYNTAX.at(_end(before, file), text, "remove it, or write it as an escape")
        )
    except UnicodeEncodeError as error:
        values.problems.append(Code.SYNTAX.at(_end(text[: error.start], file), "the text is not Unicode"))
    except _TooLargeError as error:
        values.problems.append(Code.TOO_LARGE.at(_place(file, error.mark), str(error)))
    return documents, values.problems


def _unfolded(document: Document) -> Iterator[Document]:
    """The items of a `kind: List`, or the document itself; nothing for an empty one."""
    match document.value:
        case None:
            return
        case {"kind": "List", "items": [*items]}:
            entry = document._values.entry(document._root, "items")
            for index, item in enumerate(items):
                found = document._values.entry(entry[1], index) if entry else None
                if found:
                    yield from _unfolded(Document(document.file, item, found[1], document._values))
        case _:
            yield document


def _whole(text: str) -> int:
    """A whole number; with a leading zero it is octal, as in YAML 1.1: so file modes are written."""
    if text.startswith(("0x", "0o")):
        return int(text, 0)
    return int(text, 8) if _OCTAL.fullmatch(text) else int(text)


class _TooLargeError(Exception):
    def __init__(self, text: str, mark: Mark | None) -> None:
        super().__init__(text)
        self.mark = mark


class _Parser(yaml.CBaseLoader):
    """PyYAML's parser in C, with our own idea of a plain scalar, and a bound on its recursion."""

    depth = 0

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        return _core_tag(value) if kind is ScalarNode and implicit[0] else _TEXT

    def descend_resolver(self, current_node: Node | None, current_index: object) -> None:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            mark = current_node.start_mark if current_node else None
            raise _TooLargeError(f"more than {DEPTH_MAX} levels of nesting", mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _Values:
    """Makes the values of one file's nodes, and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._left = NODES_MAX
        self._entries: dict[Node, dict[str, tuple[Node, Node]]] = {}

    def of(self, node: Node, depth: int = 0) -> Any:
        """The JSON value of a node. Raises _TooLargeError, also for an alias inside of its own anchor."""
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            raise _TooLargeError("the aliases stand for too many values, or for themselves", node.start_mark)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if node.tag not in (_TEXT, f"{_PREFIX}map", f"{_PREFIX}seq"):
            self._refuse_tag(node)
        if isinstance(node, SequenceNode):
            return [self.of(item, depth + 1) for item in node.value]
        return {key: self.of(value, depth + 1) for key, (_, value) in self._mapping(node).items()}

    def entry(self, node: Node, step: str | int) -> tuple[Node, Node] | None:
        """The key and the value of a mapping, or the item of a sequence (twice)."""
        if isinstance(node, MappingNode):
            return self._mapping(node).get(str(step))
        if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step]
        return None

    def _mapping(self, node: Node) -> dict[str, tuple[Node, Node]]:
        """Key and value nodes by key: its own, then those it merges (of itself: nothing)."""
        if node in self._entries:
            return self._entries[node]
        entries = self._entries[node] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.problems.append(Code.TAG.at(_place(self.file, key.start_mark), "a key is not text"))
            elif key.value == "<<" and not key.style:
                merged.extend(value.value if isinstance(value, SequenceNode) else [value])
            elif key.value in entries:
                self._refuse_duplicate(key, entries[key.value][0])
            else:
                entries[key.value] = (key, value)
        for source in merged:
            self._merge(entries, source)
        return entries

    def _merge(self, entries: dict[str, tuple[Node, Node]], source: Node) -> None:
        if isinstance(source, MappingNode):
            for key, entry in self._mapping(source).items():
                entries.setdefault(key, entry)
        else:
            place = _place(self.file, source.start_mark)
            self.problems.append(Code.SYNTAX.at(place, "`<<` merges something else than a mapping"))

    def _scalar(self, node: ScalarNode) -> Any:
        text = node.value
        if node.tag == _TEXT:
            return text
        if node.tag != _core_tag(text):
            self._refuse_tag(node)
            return None
        match node.tag.removeprefix(_PREFIX):
            case "bool":
                return text[0] in "tT"
            case "int":
                return _whole(text)
            case "float":
                return float(text)
            case _:
                return None

    def _refuse_tag(self, node: Node) -> None:
        tag = node.tag.replace(_PREFIX, "!!")
        self.problems.append(
            Code.TAG.at(_place(self.file, node.start_mark), f"the tag {tag} is not supported")
        )

    def _refuse_duplicate(self, key: ScalarNode, first: Node) -> None:
        line = _place(self.file, first.start_mark).line
        text = f"key '{key.value}' is already in line {line}"
        self.problems.append(Code.DUPLICATE_KEY.at(_place(self.file, key.start_mark), text))


def _core_tag(text: str) -> str:
    """The tag of a plain scalar. What JSON cannot hold (infinities, more than 64 bits) stays text."""
    match = _CORE.fullmatch(text)
    if match is None or (match.lastgroup == "float" and not math.isfinite(float(text))):
        return _TEXT
    return f"{_PREFIX}{match.lastgroup}"


def _place(file: str, mark: Mark | None) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)


def _end(text: str, file: str) -> Place:
    """The place right after `text`, from the beginning of a file."""
    return Place(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


def _syntax_problem(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = " ".join(filter(None, (error.problem, error.context)))
    tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
    return Code.SYNTAX.at(_place(file, mark), what, "indent with spaces, not tabs" if tab else None)
