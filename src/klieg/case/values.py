"""The frozen values of ``tables`` as plain JSON-able values, and back, exactly.

Tuples become lists and dataclasses dicts; the way back follows the type hints. Floats that JSON
cannot say (inf, nan) become the strings "inf", "-inf", "nan" and come back as floats. The room
knows no table, no file and no meaning of a field.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from klieg import tables

__all__ = ["as_text", "finite", "hints", "plain", "restore"]


def plain(value: Any) -> Any:
    """Dicts, lists, strings, ints, floats, bools and None: nothing else is left inside."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"a case cannot hold {type(value).__name__}: {value!r:.80}")


def finite(value: Any, *, otherwise: Literal["name", "null"] = "name") -> Any:
    """A plain value without inf and nan: their names stand there instead, or null."""
    if isinstance(value, dict):
        return {key: finite(item, otherwise=otherwise) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item, otherwise=otherwise) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value) if otherwise == "name" else None
    return value


def as_text(value: Any) -> str:
    """Compact JSON of a value, in the order of its fields, that ``restore`` understands."""
    if type(value) is tuple and all(type(item) is int for item in value):
        return f"[{','.join(map(str, value))}]"  # millions of them in a case: counterparts, posts
    return json.dumps(finite(plain(value)), ensure_ascii=False, separators=(",", ":"))


def restore(kind: Any, value: Any) -> Any:
    """The value of type ``kind`` that ``plain`` came from; TypeError or ValueError if it is none.

    None for a float is nan: a database has no other way to say it.
    """
    if kind is Any or kind is object:
        return value
    if kind is float:
        return math.nan if value is None else float(value)
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, value)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(a for a in arguments if a is not types.NoneType)
        return None if value is None else restore(inner, value)
    if origin is tuple:
        return _tuple(arguments, value)
    if origin in (dict, Mapping):
        return {key: restore(arguments[1], item) for key, item in value.items()}
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{value!r:.80} is none of {arguments}")
        return value
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{value!r:.80} is no {kind.__name__}")
    return value


def _tuple(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.80} is no list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(restore(arguments[0], item) for item in value)
    return tuple(restore(a, item) for a, item in zip(arguments, value, strict=True))


def _dataclass(kind: Any, value: Mapping[str, Any]) -> Any:
    # a field the writer did not know yet keeps its default
    known = {name: hint for name, hint in hints(kind).items() if name in value}
    return kind(**{name: restore(hint, value[name]) for name, hint in known.items()})


@cache
def hints(kind: Any) -> dict[str, Any]:
    """Field name → resolved type; rooms of ``tables`` name each other for type checkers only."""
    return get_type_hints(kind, localns={**vars(tables), "Mapping": Mapping})
