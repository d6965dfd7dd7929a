"""Any event that its record's types allow, as hypothesis strategies: what no drive raises is tried too."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from agent.metrics import discover
from agent.model import Event, derive_id

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)  # what msgspec writes
AMOUNTS = st.recursive(FLOATS, lambda inner: st.dictionaries(st.text(), inner), max_leaves=5)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {float: FLOATS, int: WHOLE, NoneType: st.none(), Any: AMOUNTS}


def a_record(record: type[Event]) -> st.SearchStrategy[Event]:
    """An event of this kind; its metrics are some of those that there are."""
    fields = {f.name: f for f in msgspec.structs.fields(record) if f.name not in Event.__struct_fields__}
    strategies = {name: some_metrics() if name == "metrics" else values(f.type) for name, f in fields.items()}
    required = {name: each for name, each in strategies.items() if fields[name].required}
    optional = {name: each for name, each in strategies.items() if not fields[name].required}
    own = {"id": st.just(derive_id("unit-1", record.__name__)), "t_ns": WHOLE, "boot_id": st.just("b1")}
    return st.fixed_dictionaries(required | own, optional=optional).map(lambda held: record(**held))


def some_metrics() -> st.SearchStrategy[dict[str, Any]]:
    """Results of up to four metrics, as their types say; one that is not known is absent."""
    results = {name: get_type_hints(metric.result)["return"] for name, metric in discover().items()}
    names = st.lists(st.sampled_from(sorted(results)), max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: known(results[name]) for name in chosen}))


def known(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type, but for None."""
    if get_origin(hint) not in (Union, UnionType):
        return values(hint)
    return st.one_of([values(each) for each in get_args(hint) if each is not NoneType])


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type that a field of a record may have."""
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return st.builds(hint, **{f.name: values(f.type) for f in msgspec.structs.fields(hint)})
    kind = get_origin(hint)
    if kind is Annotated:
        return bounded(*get_args(hint))
    if kind is None or kind is Literal:
        return st.from_type(hint)
    inner = [values(each) for each in get_args(hint) if each is not ...]
    if kind in (Union, UnionType):
        return st.one_of(inner)
    if kind is tuple:
        return st.lists(*inner).map(tuple) if ... in get_args(hint) else st.tuples(*inner)
    return st.lists(*inner) if kind is list else st.dictionaries(*inner)


def bounded(base: Any, meta: msgspec.Meta) -> st.SearchStrategy[Any]:
    """Values within the bounds that msgspec keeps; a pattern is not looked at."""
    low, high = (meta.gt if meta.ge is None else meta.ge), (meta.lt if meta.le is None else meta.le)
    if base is float:
        out, over = meta.gt is not None, meta.lt is not None
        return st.floats(low, high, allow_nan=False, allow_infinity=False, exclude_min=out, exclude_max=over)
    if base is int:
        first, last = -(2**63) if low is None else low + (meta.gt is not None), 2**63 - 1 if high is None else high
        return st.integers(int(first), int(last) - (meta.lt is not None))
    if base is str and meta.pattern is None:
        return st.text(min_size=meta.min_length or 0, max_size=meta.max_length)
    return values(base).filter(lambda value: is_taken(value, Annotated[base, meta]))


def is_taken(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(msgspec.to_builtins(value), hint)
    except msgspec.ValidationError:
        return False
    return True
