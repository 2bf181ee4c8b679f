"""Filters on the names of groups and apps: which of them become access lists (`docs/reference/teleport.md` 6.3).

A filter is a glob, in which `*` matches any text, or an RE2 expression if it begins with `^` and ends with `$`. Both
are case-sensitive. An empty set of filters matches everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Iterable

ANYTHING: Final = "*"
"""The filter that an empty set of filters is equal to."""

_QUIET: Final = re2.Options()
_QUIET.log_errors = False


@dataclass(frozen=True)
class NameFilter:
    """One filter, as written. Raises ValueError if it does not compile."""

    text: str

    def __post_init__(self) -> None:
        if not self.text:
            msg = "a filter is empty: write * for everything"
            raise ValueError(msg)
        try:
            _ = self._compiled
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
            msg = f"the filter {self.text!r} is not an RE2 expression: {reason}"
            raise ValueError(msg) from None

    @property
    def is_expression(self) -> bool:
        """Whether it is an RE2 expression, and not a glob."""
        return len(self.text) > 1 and self.text.startswith("^") and self.text.endswith("$")

    def passes(self, name: str) -> bool:
        """Whether the filter matches a name."""
        return self._compiled.search(name) is not None

    def names_exactly(self, name: str) -> bool:
        """Whether it matches only this name: the name itself, literally or as an expression."""
        if not self.is_expression:
            return self.text == name
        return self.text[1:-1] in {name, re2.escape(name)} and self.passes(name)

    @property
    def expression(self) -> str:
        """The filter as an RE2 expression."""
        if self.is_expression:
            return self.text
        inner = ".*".join(re2.escape(part) for part in self.text.split("*"))
        return rf"(?s)\A{inner}\z"

    @cached_property
    def _compiled(self) -> re2._Regexp:
        return re2.compile(self.expression, _QUIET)


@dataclass(frozen=True)
class NameFilters:
    """A set of filters, of which one must match."""

    filters: tuple[NameFilter, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> NameFilters:
        """Compile filters; raises ValueError, which names the invalid one."""
        return cls(tuple(NameFilter(text) for text in texts))

    def why(self, name: str) -> str | None:
        """Return the first filter that matches a name; None if none does."""
        if not self.filters:
            return ANYTHING
        return next((one.text for one in self.filters if one.passes(name)), None)

    def naming(self, name: str) -> str | None:
        """Return the filter that matches only this name, if there is one."""
        return next((one.text for one in self.filters if one.names_exactly(name)), None)
