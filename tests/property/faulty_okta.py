"""A small Okta organisation that people come to and leave, and the ways in which reading it can go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from teleport_okta.model.okta import MalformedRow, OktaApp, OktaOrganization, PersonFacts, Snapshot
from teleport_okta.okta.okta_errors import Failure, OktaUnavailableError

ORG = "00oORG"
ORG_URL = "https://example.okta.com"
APP = "0oaAPP"

NAMES = ["ada@x.io", "Ada@x.io", "bob@x.io", "cy@x.io", "dan@x.io", "eve@x.io", "fay@x.io", "o'neil@x.io"]
IDS = [f"00u{number}" for number in range(1, 9)]

SETTLED = {"ACTIVE", "LOCKED_OUT", "SUSPENDED"}
UNACTIVATED = {"STAGED"}
UNKNOWN = "HIBERNATING"
ENDED = "INACTIVE"


class Reading(Enum):
    """How a pass reads Okta."""

    FINE = "fine"
    DOWN = "nothing is answered"
    INCOMPLETE = "the listing breaks off after a few rows"
    SHRUNK = "some people are hidden from us, the listing is complete"
    EMPTY = "everybody is hidden from us"
    ANONYMOUS = "a row has no id"
    INACTIVE = "the app is inactive"
    LOSSY = "the listing loses some people, whom reads by id show"
    UNASKED = "reads of people by id are not answered"


UNASSIGNED = "visible by id, and not assigned"
"""What the product read of a person whom the listing lacks, and whom a read by id shows without an assignment."""


@dataclass
class Person:
    """One person. The app lists only people with an `assignment`; a read by id does not find an `erased` person."""

    id: str
    name: str
    status: str = "ACTIVE"
    assignment: str | None = None
    department: str = "Engines"
    mangled: bool = False
    erased: bool = False

    @property
    def row(self):
        """The row of the app's listing, or None."""
        if self.assignment is None:
            return None
        if self.mangled:
            return MalformedRow(self.id, "profile.title is not valid Unicode", self.status, self.assignment)
        return self._facts(self.assignment)

    @property
    def row_by_id(self):
        """What a read by id shows, without the app, or None."""
        return None if self.erased else self._facts(None)

    def _facts(self, assignment):
        return PersonFacts(
            okta_id=self.id,
            name=self.name,
            status=self.status,
            assignment_status=assignment,
            profile={"login": self.name, "department": self.department},
            app_profile={},
        )

    @property
    def is_gone(self):
        """Whether the row says that the person left, or there is no row."""
        return self.assignment in {None, ENDED} or self.status == "DEPROVISIONED"

    @property
    def has_known_status(self):
        """Whether the row says if the person must be locked. A row can say so although the rest is not readable."""
        return not self.is_gone and self.status in SETTLED | UNACTIVATED

    @property
    def is_understood(self):
        """Whether the row is readable, except for the name."""
        return self.has_known_status and not self.mangled

    @property
    def has_good_name(self):
        return "'" not in self.name

    @property
    def is_wanted(self):
        """Whether there may be a user of the name for the person."""
        return self.is_understood and self.has_good_name


@dataclass
class Organization:
    """The people, and the product's reads of them (the methods of `OktaReads`).

    `told` has what the product read last of each id in this pass: a row, UNASSIGNED, or None for an absence.
    `unknown_by_id` are the ids that a read by id did not find in this pass, `suspended_by_id` those that one showed as
    suspended, with or without an assignment.
    """

    clock: object
    people: dict[str, Person] = field(default_factory=dict)
    reading: Reading = Reading.FINE
    hidden: frozenset[str] = frozenset()
    told: dict[str, object] = field(default_factory=dict)
    unknown_by_id: set[str] = field(default_factory=set)
    suspended_by_id: set[str] = field(default_factory=set)
    _visible: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.people = {okta_id: Person(okta_id, NAMES[0]) for okta_id in IDS}
        for okta_id, name in zip(IDS[:5], ("ada@x.io", "bob@x.io", "cy@x.io", "dan@x.io", "eve@x.io"), strict=True):
            self.people[okta_id].name = name
            self.people[okta_id].assignment = "ACTIVE"

    def read_like(self, reading, hidden=frozenset()):
        self.reading, self.hidden, self.told = reading, hidden, {}
        self.unknown_by_id, self.suspended_by_id, self._visible = set(), set(), set()

    # What the product reads

    calls: dict = field(default_factory=dict)

    def calls_since(self, _mark):
        return {}

    async def organization(self):
        self._reach("/.well-known/okta-organization")
        return OktaOrganization(ORG, ORG_URL)

    def _reach(self, path, *unanswered):
        if self.reading in {Reading.DOWN, *unanswered}:
            raise OktaUnavailableError(Failure("GET", path, 503), "was not answered")

    async def app(self, app_id):
        self._reach(f"/api/v1/apps/{app_id}")
        return OktaApp(app_id, "custom", "Teleport", "INACTIVE" if self.reading is Reading.INACTIVE else "ACTIVE", "x")

    async def people_of_app(self, app_id):
        self._reach(f"/api/v1/apps/{app_id}/users")
        listed = (person for person in self.people.values() if not (self._hides(person) or self._loses(person)))
        rows = [person.row for person in listed if person.row is not None]
        incomplete = untrusted = None
        if self.reading is Reading.INCOMPLETE:
            rows, incomplete = rows[:2], "page 2 was not answered"
        elif self.reading is Reading.ANONYMOUS:
            rows, untrusted = rows[1:], "1 rows of the listing have no id"
        self.told = dict.fromkeys(self.people) if incomplete is None else {}
        self.told |= {row.okta_id: row for row in rows}
        return Snapshot(
            people=tuple(row for row in rows if isinstance(row, PersonFacts)),
            malformed=tuple(row for row in rows if isinstance(row, MalformedRow)),
            read_at=self.clock.now(),
            incomplete=incomplete,
            untrusted=untrusted,
        )

    async def person_of_app(self, app_id, okta_id):
        self._reach(f"/api/v1/apps/{app_id}/users/{okta_id}")
        person = self.people[okta_id]
        row = None if self._hides(person) else person.row
        is_stated = row is None and okta_id in self._visible and self.reading is not Reading.INACTIVE
        self.told[okta_id] = UNASSIGNED if is_stated else row
        return row

    async def person_of_organization(self, okta_id):
        self._reach(f"/api/v1/users/{okta_id}", Reading.UNASKED)
        person = self.people[okta_id]
        row = None if self._hides(person) else person.row_by_id
        if row is None:
            self.unknown_by_id.add(okta_id)
        elif row.status == "DEPROVISIONED":
            self.told[okta_id] = row
        else:
            self._visible.add(okta_id)
            if row.status == "SUSPENDED":
                self.suspended_by_id.add(okta_id)
        return row

    def says_gone(self, row):
        """Whether a row says that a person left. Assignments of an inactive app do not count."""
        has_ended = row.assignment_status == ENDED and self.reading is not Reading.INACTIVE
        return row.status == "DEPROVISIONED" or has_ended

    def _loses(self, person):
        return self.reading is Reading.LOSSY and person.id in self.hidden

    def _hides(self, person):
        return self.reading is Reading.EMPTY or (self.reading is Reading.SHRUNK and person.id in self.hidden)
