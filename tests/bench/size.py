"""How large an organisation is."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is in an organisation, about. A child is told of it by four numbers."""

    users: int
    groups: int
    apps: int
    memberships: int

    def __str__(self) -> str:
        return f"{self.users:,} users, {self.groups:,} groups, {self.apps:,} apps"

    @property
    def arguments(self) -> tuple[int, ...]:
        """The numbers, as a child takes them."""
        return astuple(self)

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Let a parser take the numbers."""
        for field in fields(cls):
            parser.add_argument(field.name, type=int)

    @classmethod
    def given(cls, arguments: argparse.Namespace) -> Size:
        """Return the size of the numbers that a parser took."""
        return cls(*(getattr(arguments, field.name) for field in fields(cls)))
