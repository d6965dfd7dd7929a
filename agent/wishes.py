"""When each rule wants to be woken. Pure.

An answer stands until the rule was called or the wall clock or what is lent changed: of all that a rule may look at, only the
newest sample moves on besides, and that makes nothing due sooner. Whoever is due is asked again before it is woken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from agent.model import NS, Context, Rule

NEVER_NS = 1 << 63
REST_NS = NS  # until the shell's next tick
WAKES_AT_ONCE = 20  # more than any rule has to do at once: one that asks again and again must not hang the unit
WAKES_EVERY_NS = 3600 * NS  # and more often than any does for weeks on end: a call may span a long silence


class Wishes:
    """`failures` counts, by name, rules that throw when asked, or that want to be woken more often than any has to."""

    def __init__(self, rules: Iterable[Rule], failures: Counter[str]) -> None:
        self._rules = [r for r in rules if type(r).next_wake is not Rule.next_wake]
        self._names = frozenset(r.name for r in self._rules)
        self._failures = failures
        self._at_ns: dict[str, int] = {}  # what stands
        self._began_ns = 0
        self._woken: Counter[str] = Counter()  # how often each rule was since then
        self._resting_ns: dict[str, int] = {}  # until when a rule that asks again and again is not woken

    def __contains__(self, rule: Rule) -> bool:
        """Whether it is ever woken."""
        return rule.name in self._names

    def begin(self, t_ns: int) -> None:
        """Another call of the engine, in which time goes on from `t_ns`."""
        self._began_ns = t_ns
        self._woken.clear()

    def forget(self, rule: Rule | None = None) -> None:
        """Ask `rule` again, None: all of them."""
        if rule is None:
            self._at_ns.clear()
        else:
            self._at_ns.pop(rule.name, None)

    def soonest_ns(self, ctx: Context) -> int:
        """When the first of them is due, or may be; NEVER_NS."""
        stands = self._at_ns
        if len(stands) < len(self._rules):
            stands |= {r.name: self._ask(r, ctx) for r in self._rules if r.name not in stands}
        return min(stands.values(), default=NEVER_NS)

    def due(self, ctx: Context, until_ns: int) -> Iterator[Rule]:
        """Those to be woken now, one after the other; what one says may make the next one due. Time will come to `until_ns`."""
        for rule in self._rules:
            if self._at_ns.get(rule.name, 0) > ctx.t_ns:
                continue
            self._at_ns[rule.name] = self._ask(rule, ctx)
            if self._at_ns[rule.name] > ctx.t_ns:
                continue
            self.forget(rule)
            self._woken[rule.name] += 1
            if self._woken[rule.name] > WAKES_AT_ONCE + (ctx.t_ns - self._began_ns) // WAKES_EVERY_NS:
                self._resting_ns[rule.name] = until_ns + REST_NS
                self._failures[rule.name] += 1
            else:
                yield rule

    def _ask(self, rule: Rule, ctx: Context) -> int:
        try:
            at_ns = rule.next_wake(ctx)
        except Exception:  # noqa: BLE001 - as in the engine's _call
            self._failures[rule.name] += 1
            return NEVER_NS
        return NEVER_NS if at_ns is None else max(at_ns, self._resting_ns.get(rule.name, at_ns))
