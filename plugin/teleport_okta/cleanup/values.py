"""The decisions of an inventory about single objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.model import labels

if TYPE_CHECKING:
    from teleport_okta.cleanup.ownership import Provenance
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.model.content import Content
    from teleport_okta.model.teleport import TeleportUser


@dataclass(frozen=True, slots=True)
class Removal:
    """An object to remove. A user with `becomes` is not deleted but handed back in that form.

    `label` is set where `name` is not unique. `note` is for the person who decides. `more` is covered by the digest,
    beside the content of the object. `people` is the number of people for whom the removal counts as harm.
    """

    kind: str
    name: str
    content: Content
    provenance: Provenance
    label: str = ""
    note: str = ""
    more: tuple[str, ...] = field(default=(), repr=False)
    people: int = 1
    becomes: TeleportUser | None = None

    @property
    def okta_id(self) -> str:
        """The id of the Okta object behind it; empty if its labels name none."""
        return labels.okta_id_of(self.content.labels) or ""


@dataclass(frozen=True, slots=True)
class Detachment:
    """Lists to take out of a list that is kept: `children` are one member of `parent`, or some of its owners."""

    parent: TeleportAccessList
    children: tuple[str, ...]
    as_member: bool


@dataclass(frozen=True, slots=True, order=True)
class Kept:
    """An object of an Okta integration that is kept, and why.

    `detail` is shown after the name. `is_left`: it should have been removed, and does not end by itself.
    """

    kind: str
    name: str
    why: str
    remedy: str = ""
    detail: str = ""
    is_left: bool = False
