"""Settings from YAML, environment and flags, in rising order; all their errors at once.

Every value remembers where it came from, so that an error names the file and line, the variable
or the flag, and what was probably meant.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import typer
import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..streaming.contracts import NotewireError
from .config import Config

PREFIX = "NOTEWIRE_"
CONFIG_VARIABLE = "NOTEWIRE_CONFIG"
NULL = "tag:yaml.org,2002:null"

FLAGS = {
    "input.device": "--input",
    "input.loopback": "--loopback",
    "input.file": "--file",
    "mode": "--mode",
    "model": "--model",
    "device": "--device",
    "threads": "--threads",
    "view": "--view",
    "decoder.sensitivity": "--sensitivity",
    "midi.enabled": "--midi",
    "bus.enabled": "--bus",
    "bus.address": "--address",
    "output.events": "--events",
    "output.midi": "--midi-file",
}

Schema = TypeVar("Schema", bound=BaseModel)
KeyPath = tuple[str, ...]
Given = dict[KeyPath, tuple[Any, str]]  # where in the schema -> value and origin


def load_config(
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The effective settings; flags are dotted keys, None meaning not given.

    Raises NotewireError that lists everything wrong, one line each.
    """
    environment = os.environ if environment is None else environment
    given = from_yaml(file or default_file(environment))
    given |= from_environment(environment)
    given |= from_flags(flags or {})
    return _validated(Config, given)


def load_yaml_as(schema: type[Schema], file: Path) -> Schema:
    """A YAML file read as ``schema``. Raises NotewireError that lists everything wrong."""
    return _validated(schema, from_yaml(file))


def default_file(environment: Mapping[str, str]) -> Path | None:
    """``$NOTEWIRE_CONFIG``, else the user's own notewire.yaml if there is one."""
    if CONFIG_VARIABLE in environment:
        return Path(environment[CONFIG_VARIABLE])
    own = Path(typer.get_app_dir("notewire")) / "notewire.yaml"
    return own if own.is_file() else None


def from_yaml(file: Path | None) -> Given:
    """Leaves of a YAML file, each with its line."""
    if file is None:
        return {}
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotewireError(f"{file}: cannot be read ({error})") from error
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise NotewireError(f"{file}: not YAML ({' '.join(str(error).split())})") from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise NotewireError(f"{file}: must be `key: value` lines; see `notewire config`")
    try:
        return _leaves(root, (), str(file))
    except RecursionError as error:
        raise NotewireError(f"{file}: a part of it contains itself") from error


def from_environment(environment: Mapping[str, str]) -> Given:
    """``NOTEWIRE_MODE=fast``, ``NOTEWIRE_INPUT__DEVICE=mic``."""
    names = [n for n in environment if n.startswith(PREFIX) and n != CONFIG_VARIABLE]
    return {
        tuple(name.removeprefix(PREFIX).lower().split("__")): (_text(environment[name]), name)
        for name in names
    }


def from_flags(flags: Mapping[str, Any]) -> Given:
    """``{"input.device": "mic"}``; what is None was not given."""
    return {
        tuple(key.split(".")): (value, FLAGS.get(key, f"--set {key}"))
        for key, value in flags.items()
        if value is not None
    }


def assignments(texts: list[str]) -> dict[str, Any]:
    """``--set decoder.hold=0.2`` as flags. Raises NotewireError for one without ``=``."""
    pairs = [text.partition("=") for text in texts]
    for key, sign, _ in pairs:
        if not sign:
            raise NotewireError(f"--set {key}: write it as key=value")
    return {key.strip(): _text(value.strip()) for key, _, value in pairs}


def _leaves(node: yaml.MappingNode, above: KeyPath, file: str) -> Given:
    found: Given = {}
    for key, value in node.value:
        where = (*above, str(key.value))
        origin = f"{file}:{key.start_mark.line + 1}"
        if isinstance(value, yaml.MappingNode) and value.value:
            found |= _leaves(value, where, file)
        else:
            found[where] = (_plain(value), origin)
    return found


def _plain(node: yaml.Node) -> Any:
    """Text as it is written, for the schema to read: YAML would take ``on`` for a truth value."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    return None if node.tag == NULL else node.value


def _text(value: str) -> str | None:
    return None if value in ("", "null") else value


def _validated(schema: type[Schema], given: Given) -> Schema:
    try:
        return schema.model_validate(_nested(schema, given))
    except ValidationError as error:
        lines = [_explain(schema, detail, given) for detail in error.errors()]
        raise NotewireError("\n".join(lines)) from error


def _nested(schema: type[BaseModel], given: Given) -> dict[str, Any]:
    """Leaves back into a tree; a leaf where others want a section is left for the schema."""
    root: dict[str, Any] = {}
    for where, (value, _) in given.items():
        place = root
        for key in where[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place[where[-1]] = {} if value is None and _section(schema, where) else value
    return root


def _section(schema: type[BaseModel], where: KeyPath) -> type[BaseModel] | None:
    """The part of the schema at a path, if it is one with keys of its own."""
    for key in where:
        field = schema.model_fields.get(key)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        schema = inner
    return schema


def _explain(schema: type[BaseModel], detail: ErrorDetails, given: Given) -> str:
    where = tuple(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{_any_origin(given)}: {'.'.join(where)} is missing"
    origin = next((o for path, (_, o) in given.items() if path[: len(where)] == where), "settings")
    if detail["type"] == "extra_forbidden":
        return f"{origin}: there is no setting '{'.'.join(where)}'{_did_you_mean(schema, where)}"
    return f"{origin}: {'.'.join(where)} = {detail['input']!r}: {detail['msg']}"


def _any_origin(given: Given) -> str:
    """The file that a missing setting is missing from."""
    return next((origin.rpartition(":")[0] for _, origin in given.values()), "settings")


def _did_you_mean(schema: type[BaseModel], where: KeyPath) -> str:
    section = _section(schema, where[:-1])
    names = list(section.model_fields) if section else []
    close = difflib.get_close_matches(where[-1], names, n=1)
    if not close:
        return f"; known: {', '.join(names)}"
    return f"; did you mean '{'.'.join((*where[:-1], close[0]))}'?"
