"""The filter file: PyBIDS filters as fMRIPrep takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cerebbids.errors import UsageError

_MEND = 'write {"t1w": {"session": "a"}}, say'
_SUFFIXES = {"t1w": "T1w", "t2w": "T2w"}
"""Queries, and the suffix of what they look for."""

Filters = dict[str, list[Any]]
"""Values that are let through, by the entities' names: labels, numbers and members of ``bids.layout.Query``."""


def read_filters(path: Path | None) -> dict[str, Filters]:
    """Read the filters of the queries ``t1w`` and ``t2w``; a query without filters is there too.

    Parameters
    ----------
    path : Path, optional
        JSON file; none for no filters. A value is a label or number, ``null`` (without the entity), ``"*"`` (with
        any), the name of a member of ``bids.layout.Query`` (``"Query.OPTIONAL"``), or a list of such.

    Raises
    ------
    UsageError
        The file, a query, an entity or a value is none that would filter as it says.
    """
    if path is None:
        return {query: {} for query in _SUFFIXES}
    try:
        queries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(str(path), f"cannot be read as JSON ({error})", _MEND) from error
    if not isinstance(queries, dict) or not all(isinstance(query, dict) for query in queries.values()):
        raise UsageError(str(path), "does not hold queries of entities", _MEND)
    unknown = sorted(queries.keys() - _SUFFIXES)
    if unknown:
        raise UsageError(str(path), f"has a query named {' '.join(unknown)}", "the only queries are t1w and t2w")
    return {query: _read_query(path, queries.get(query, {}), suffix) for query, suffix in _SUFFIXES.items()}


def _read_query(path: Path, query: dict[str, Any], suffix: str) -> Filters:
    # What every image of the query has: fMRIPrep's users repeat it, and nothing else could be segmented.
    fixed = {"suffix": [suffix], "datatype": ["anat"]}
    filters = {entity: _values(path, entity, given, fixed) for entity, given in query.items()}
    return {entity: values for entity, values in filters.items() if entity not in fixed}


def let_through(labels: Iterable[str], filters: Filters, entity: str) -> list[str]:
    """Give the labels that a filter on their entity does not keep out.

    Examples
    --------
    >>> let_through(["01", "02"], {"subject": ["02", "03"]}, "subject"), let_through(["a"], {}, "session")
    (['02'], ['a'])
    """
    from bids.layout import Query

    asked = filters.get(entity, [Query.ANY])
    if {Query.ANY, Query.OPTIONAL} & set(asked):
        return list(labels)
    return [label for label in labels if label in map(str, asked)]


def _values(path: Path, entity: str, given: Any, fixed: Filters) -> list[Any]:
    from bids.layout import Query
    from bids.layout.models import Config

    values = given if isinstance(given, list) else [given]
    if entity in fixed:
        if values != fixed[entity]:
            raise UsageError(str(path), f"filters by {entity}, which is {fixed[entity][0]}", "remove that filter")
        return values
    known = sorted(set(Config.load("bids").entities) - {"extension", *fixed})
    if entity not in known:
        raise UsageError(str(path), f'filters by "{entity}", which is no entity', f"choose of {' '.join(known)}")
    if not values or not all(value is None or type(value) in (str, int) for value in values):
        raise UsageError(str(path), f"has a {entity} that is no label, number, null or list of them", _MEND)
    meaning = {None: Query.NONE, "*": Query.ANY}
    meaning |= {f"Query.{name}": member for name, member in Query.__members__.items()}
    return [meaning.get(value, value) for value in values]
