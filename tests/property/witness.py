"""Judges every write of the product to users and locks, and what is there after a pass.

It does not use plans. At every write it compares the object before and after; after a pass that nothing disturbed it
compares users and locks with the people in Okta. Times are virtual.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from model import stored
from model.harm import ABSENT, HOUR, LOCK, STATED, USER, HarmLedger, most
from model.holders import Contender, NamesBefore
from model.people import Wanted, wrong_user
from property.faulty_okta import ORG, ORG_URL, SETTLED, UNASSIGNED, Person, Reading
from teleport.legacy.types.types_pb2 import UserV2
from teleport_okta.model import labels
from teleport_okta.model.harm import Harmed
from teleport_okta.model.okta import MalformedRow, PersonFacts

LEAVER_LOCK = timedelta(hours=30, minutes=15)
LISTINGS_LAG = timedelta(seconds=2)
WRITES_WIN = timedelta(seconds=30)
"""How long the product may take a change by another client for a listing that is older than its own write."""

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Witness:
    """Judges one world; `complaints` must be empty after every pass."""

    world: object
    complaints: list[str] = field(default_factory=list)
    ledger: HarmLedger = field(init=False)
    releasing: str | None = None
    _calm_since: datetime = NEVER
    _left: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _without_user: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _hands: dict[str, datetime] = field(default_factory=dict)
    _hands_in_pass: set[str] = field(default_factory=set)
    _tampered: set[tuple[str, str]] = field(default_factory=set)
    _created: set[str] = field(default_factory=set)
    _changed: datetime = NEVER
    _wrote: datetime = NEVER
    _unclear_until: datetime = NEVER
    _before: NamesBefore | None = None
    _stood: dict[str, str] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _counted: frozenset[str] = frozenset()

    def __post_init__(self):
        brake = self.world.settings.brake
        limits = {"at_least": brake.floor, "absent": brake.absent_ratio, "stated": brake.stated_ratio}
        self.ledger = HarmLedger(partial(most, **limits))

    # The cluster

    @property
    def now(self):
        return self.world.clock.now()

    def users(self):
        return {user.Metadata.Name: user for user in self.world.cluster.users.all_stored()}

    def owned(self):
        """Name to Okta id of the users that are ours."""
        found = {name: _id_of(user) for name, user in self.users().items() if _is_ours(user)}
        self._stood |= found
        return found

    def locks_in_force(self):
        now = self.world.cluster.now()
        return [lock for lock in self.world.cluster.locks.all_stored() if _end_of(lock) is None or now < _end_of(lock)]

    def our_locks(self):
        return [lock for lock in self.locks_in_force() if _is_ours(lock)]

    def _about(self, name, okta_id):
        return [lock for lock in self.our_locks() if _about(lock) == (name, okta_id)]

    def our_locks_on_nobody(self):
        """Return our locks on names that no user of ours has for that person."""
        owned = self.owned()
        return [lock for lock in self.our_locks() if owned.get(lock.Spec.Target.User) != _id_of(lock)]

    # What others do

    def by_hand(self, name):
        """Note that another client changed a user."""
        self._another_wrote()
        self._hands[name] = self.now
        self._hands_in_pass.add(name)
        for lock in self.our_locks():
            if lock.Spec.Target.User == name and name not in self.owned():
                self._without_user.setdefault(_about(lock), self.now)

    def lock_by_hand(self, lock):
        """Note that another client changed or deleted a lock of ours."""
        self._another_wrote()
        self._tampered.add(_about(lock))

    def _another_wrote(self):
        self._changed = self.now
        if self.now - self._wrote < WRITES_WIN:
            self._unclear_until = self._wrote + WRITES_WIN

    def _is_race(self, name):
        """Whether another client changed a user too recently for the product to see it.

        Deletions and locks name no revision, so that the server does not refuse them.
        """
        lately = name in self._hands and self.now - self._hands[name] < LISTINGS_LAG
        return name in self._hands_in_pass or (self.world.lag and lately)

    # What the product does

    @contextmanager
    def watch(self, method, request):
        """Judge one write of the product by the object before and after."""
        of_users = method.endswith("User")
        store = self.world.cluster.users if of_users else self.world.cluster.locks
        match method:
            case "CreateUser" | "UpdateUser":
                name = request.user.Metadata.Name
            case "DeleteUser":
                name = request.name
            case "UpsertLock":
                name = request.Metadata.Name
            case "DeleteLock":
                name = request.Name
            case _:
                self._object(f"{method} is nothing that the product should call")
                name = ""
        before, locks = store.stored(name), self.our_locks()
        yield
        self._changed = self._wrote = self.now
        self.world.seen[method] += 1
        after = store.stored(name)
        if of_users and after is not None and _is_ours(after):
            self.ledger.owned([name], self.now)
        match method:
            case "CreateUser":
                self._saw_create(after)
            case "UpdateUser":
                self._saw_update(before, after)
            case "DeleteUser":
                self._saw_delete(before, locks)
            case "UpsertLock":
                self._saw_lock(before, after, locks)
            case "DeleteLock":
                self._saw_unlock(before, locks)

    def _saw_create(self, user):
        name, okta_id = user.Metadata.Name, _id_of(user)
        row = self._row(okta_id)
        self._created.add(name)
        self._without_user.pop((name, okta_id), None)
        is_right = row is not None and (row.name, row.assignment_status) == (name, "ACTIVE") and row.status in SETTLED
        if not is_right or not _is_ours(user):
            self._object(f"{name} was created for {okta_id}, of whom Okta says {row}")
        for lock in self.our_locks():
            if lock.Spec.Target.User == name and _about(lock) != (name, okta_id):
                self._object(f"{name} was created for {okta_id} under a lock about {_about(lock)}")

    def _saw_update(self, before, after):
        name, okta_id = after.Metadata.Name, _id_of(after)
        row = self._row(okta_id)
        if not _is_ours(before):
            self.world.seen["adoptions"] += 1
            if not _is_adoptable(before):
                self._object(f"{name}, who is not ours, was changed")
        if row is None or row.name != name:
            self._object(f"{name} was changed for {okta_id}, of whom Okta says {row}")
        if _is_ours(before) and _id_of(before) != okta_id:
            self._object(f"{name} was given from {_id_of(before)} to {okta_id}")
        if _rest_of(before) != _rest_of(after):
            self._object(f"more of {name} was changed than is ours:\n{_rest_of(before)}\n{_rest_of(after)}")
        if not set(before.Spec.Roles) <= set(after.Spec.Roles):
            self._object(f"{name} lost roles")

    def _saw_delete(self, user, locks):
        about = name, okta_id = user.Metadata.Name, _id_of(user)
        if self._is_race(name):
            self.world.seen["races lost against another client"] += 1
            return
        if not _is_ours(user):
            self._object(f"{name}, who is not ours, was deleted")
        ends = [_end_of(lock) for lock in locks if _about(lock) == about]
        if not any(ends) and about not in self._tampered:
            self._object(f"{about} was deleted without a leaver's lock in force")
        self._without_user[about] = self.now
        self._why_gone(name, okta_id)

    def _saw_lock(self, before, after, locks):
        about = name, okta_id = _about(after)
        end = _end_of(after)
        user = self.world.cluster.users.stored(name)
        if before is not None and not _is_ours(before):
            self._object(f"the lock {after.Metadata.Name}, which is not ours, was changed")
        is_theirs = user is not None and _is_ours(user) and _id_of(user) == okta_id
        if self._is_replaced(name, okta_id):
            self.world.seen["locks where a login replaced the record"] += 1
        elif not (is_theirs or self._is_race(name) or (user is None and about in self._left)):
            self._object(f"{about} was locked, who has no user of ours")
        earlier = [_end_of(lock) for lock in locks if _about(lock) == about]
        if not is_theirs:
            self._without_user.setdefault(about, self.now)
        if end is None:
            self._left.pop(about, None)
            row = self._statuses(okta_id)
            is_suspended = row is not None and row.status == "SUSPENDED"
            if not is_suspended and okta_id not in self.world.okta.suspended_by_id:
                self._object(f"{about} was locked without end, of whom Okta says {row}")
            if None not in earlier and name not in self._created:
                self._harm(LOCK, name, okta_id, STATED)
            return
        if abs(datetime.fromtimestamp(end, self.now.tzinfo) - self.now - LEAVER_LOCK) > timedelta(seconds=1):
            self._object(f"{about} was locked until {end}")
        self._left[about] = self.now + LEAVER_LOCK
        evidence = self._why_gone(name, okta_id)
        if not any(earlier):
            self._harm(USER, name, okta_id, evidence)

    def _saw_unlock(self, lock, locks):
        about = name, okta_id = _about(lock)
        others = [one for one in locks if _about(one) == about and one.Metadata.Name != lock.Metadata.Name]
        user = self.world.cluster.users.stored(name)
        row = self._statuses(okta_id)
        is_theirs = user is not None and _is_ours(user) and _id_of(user) == okta_id
        has_name = isinstance(row, PersonFacts) and row.name == name
        since = self._without_user.get(about)
        # A row without a readable name shows only that the person is there; a listing may still show the user.
        is_listed = self.world.lag and since is not None and self.now - since < LISTINGS_LAG
        seems_theirs = is_theirs or (is_listed and not isinstance(row, PersonFacts))
        came_back = row is not None and row.status != "SUSPENDED" and (seems_theirs or has_name)
        outlived = _end_of(lock) is None and since is not None and self.now - since >= LEAVER_LOCK
        if not _is_ours(lock):
            self._object(f"the lock {lock.Metadata.Name}, which is not ours, was taken off")
        elif not (came_back or others or outlived or self.releasing == name):
            self._object(f"the lock about {about} was taken off, of whom Okta says {row}")
        if not others:
            self._left.pop(about, None)

    def _is_replaced(self, name, okta_id):
        """Whether a login has replaced the record of a user who stood for this person when it last had our label."""
        user = self.world.cluster.users.stored(name)
        stood = self._stood.get(name) == okta_id
        return stood and user is not None and not _is_ours(user) and _is_of_connector(user)

    def _row(self, okta_id):
        """Return the row of a person that the product read last, if it is readable and the person is there."""
        row = self._statuses(okta_id)
        return row if isinstance(row, PersonFacts) else None

    def _statuses(self, okta_id):
        """Return the row that the product read last, if at least its statuses are readable and the person is there."""
        row = self.world.okta.told.get(okta_id)
        is_row = isinstance(row, (PersonFacts, MalformedRow))
        return row if is_row and not self.world.okta.says_gone(row) else None

    def _why_gone(self, name, okta_id):
        """Return the evidence that this user must end, from what the product read; object if there is none."""
        told = self.world.okta.told
        row = told.get(okta_id)
        if okta_id not in told:
            self._object(f"{name} ends, though the product has not read whether {okta_id} is there")
        elif row is None:
            return ABSENT
        elif row is UNASSIGNED:
            self.world.seen["confirmed by id"] += 1
            return STATED
        elif self.world.okta.says_gone(row):
            return STATED
        elif isinstance(row, PersonFacts) and self._is_renamed(row, name):
            self.world.seen["renames"] += 1
            return STATED
        self._object(f"{name} ends, though Okta says of {okta_id} {row}, and the users are {self.owned()}")
        return STATED

    def _is_renamed(self, row, name):
        """Whether a person has another name now, and a user of that name."""
        return row.name != name and (self.owned().get(row.name) == row.okta_id or self._is_race(row.name))

    def _harm(self, kind, name, okta_id, evidence):
        deed = self.ledger.add(Harmed(kind, name, okta_id), evidence, self.now)
        self.world.seen[f"harm: {kind}, {evidence}{', approved' if deed.approved else ''}"] += 1
        reading = self.world.okta.reading
        doubtful = reading in {Reading.EMPTY, Reading.ANONYMOUS, Reading.INACTIVE}
        if doubtful and evidence == ABSENT and not deed.approved:
            self._object(f"{name} was harmed by a listing that must not be believed: {reading}")
        if evidence == ABSENT and not deed.approved and okta_id not in self.world.okta.unknown_by_id:
            self._object(f"{name} was harmed for being absent, and {okta_id} was not read by id")
        excess = self.ledger.excess(deed, known=self._counted)
        if excess:
            self._object(excess)

    # Passes

    def before_pass(self):
        owned = self.owned()
        users = {name: user for name, user in self.users().items() if name not in owned}
        self._created.clear()
        self._hands_in_pass.clear()
        self.ledger.owned(owned, self.now)
        self._counted = frozenset()
        self._before = NamesBefore(
            owned,
            taken=frozenset(name for name, user in users.items() if not _is_adoptable(user)),
            locked=frozenset(_about(lock) for lock in self.our_locks()),
        )
        self._unclear = self.now <= self._unclear_until or (self.world.lag and self.now - self._changed < LISTINGS_LAG)

    def before_settling(self):
        """Note that a key is settled: without a listing, everybody who was ours in the last pass counts as ours."""
        self.before_pass()
        self._counted = frozenset(self._known)

    def after_pass(self, report, *, undisturbed):
        """Raise AssertionError for everything that was or is wrong."""
        seen = self.world.seen
        self.ledger.owned(self.owned(), self.now)
        if not undisturbed:
            self._calm_since = self.now
        known, self._known = self._known, self.owned() if report is not None else self._known
        if report is not None:
            findings = report.plan.findings
            seen["passes that held something"] += bool(findings.held)
            seen["passes that set somebody aside"] += bool(report.plan.quarantined)
            seen.update(f"held: {one.kind}, {one.evidence}" for one in findings.held)
            seen["passes with leftovers"] += bool(findings.leftovers)
            if undisturbed and not self._unclear:
                for outcome in report.outcomes:
                    if outcome.result != "done":
                        self._object(f"nothing disturbed, and still: {outcome}")
                held = {held.okta_id for held in findings.held} | _repaired_too_often(report.plan.quarantined)
                self.settled(held=held)
                self._check_replaced(known, held)
                self._check_holding(findings.held)
        assert not self.complaints, "\n".join(self.complaints)

    def after_settling(self):
        """Raise AssertionError for everything that was wrong while a key was settled."""
        self.ledger.owned(self.owned(), self.now)
        assert not self.complaints, "\n".join(self.complaints)

    def settled(self, *, held=frozenset()):
        """Object to every user and lock that is wrong after a pass on a fine reading.

        `held` has the Okta ids of the people about whom harm is held.
        """
        self.world.seen["passes compared from scratch"] += 1
        people, owned = self.world.okta.people, self.owned()
        for name, okta_id in owned.items():
            person = people[okta_id]
            if okta_id in held:
                continue
            if person.is_gone:
                self._object(f"{name} is still there, and {okta_id} has left")
            if owned.get(person.name, None) == okta_id != name and name != person.name and person.is_wanted:
                self._object(f"{name} is still there, and {okta_id} is {person.name} now")
            self._check_locks(name, person)
        for person in people.values():
            if person.is_wanted and person.id not in held:
                self._check_user(person, owned)
        self._check_other_locks(owned)

    def _check_holding(self, held):
        """Object to stated harm that is held although the hour has room, unless there was trouble within the hour."""
        if self.now - self._calm_since <= HOUR + LISTINGS_LAG:
            return
        people = self.world.okta.people
        for kind in {one.kind for one in held if one.evidence == STATED}:
            self.world.seen["holds weighed"] += 1
            left = self.ledger.allowance_left(kind, self._before.owned, self.now)
            stated = [one for one in held if (one.kind, one.evidence) == (kind, STATED)]
            # People whom the listing lacks are held all together, also if reads by id state that they left.
            missing = [one for one in stated if kind == USER and people[one.okta_id].assignment is None]
            if left > 0 and not len(missing) == len(stated) > left:
                self._object(f"{kind}s are held, where {left} may still be harmed: {held}")

    def _check_replaced(self, known, held):
        """Object to a leaver who is not locked after a login replaced the record; `known` are the users before."""
        for name, okta_id in known.items():
            has_left = self.world.okta.people[okta_id].is_gone and okta_id not in held
            if has_left and self._is_replaced(name, okta_id) and (name, okta_id) not in self._left:
                self._object(f"{okta_id} left, and is not locked as {name}, whose record a login replaced")

    def forget(self):
        """Note that a process began, which has only the state."""
        self._known = {}

    def _check_user(self, person: Person, owned):
        if owned.get(person.name) == person.id:
            self._check_content(self.users()[person.name], person)
            return
        contenders = [_contender(other) for other in self.world.okta.people.values() if other.is_wanted]
        if self._before.may_have(_contender(person), contenders):
            self._object(f"there is no user for {person}; ours are {owned}")

    def _check_content(self, user, person):
        found = stored.user(user)
        traits = {"okta/login": person.name, "okta/department": person.department}
        others = {trait: None for trait in found.traits if trait.startswith("okta/")}
        self.complaints += wrong_user(found, Wanted(person.id, others | traits))
        if not found.labels.get(labels.OKTA_ORG):
            self._object(f"{person.name} has no label of the organisation: {found.labels}")

    def _check_locks(self, name, person):
        """Object unless a person who stays is locked without end while suspended, and not locked otherwise."""
        ends = [_end_of(lock) for lock in self._about(name, person.id)]
        if person.has_known_status and ends != ([None] if person.status == "SUSPENDED" else []):
            self._object(f"{name} ({person.id}, {person.status}) has locks with these ends: {ends}")

    def _check_other_locks(self, owned):
        """Object unless each leaver has one lock until its end, and no other person has a lock."""
        for about in {_about(lock) for lock in self.our_locks()}:
            name, okta_id = about
            ends = [_end_of(lock) for lock in self._about(*about)]
            if len(ends) != 1:
                self._object(f"{about} has {len(ends)} locks")
            has_left = about in self._left and self.now < self._left[about]
            orphaned = about in self._without_user and None in ends
            if not (owned.get(name) == okta_id or has_left or orphaned or name in self._hands):
                self._object(f"{about} is locked without a reason, until {ends}")
        for about, end in self._left.items():
            if self.now < end and about not in self._tampered and not self._about(*about):
                self._object(f"{about} left, and is not locked any more")

    def _object(self, what):
        self.complaints.append(f"{self.now:%d. %H:%M:%S}: {what}")


def _contender(person):
    return Contender(person.id, person.name, is_settled=person.status in SETTLED)


def _is_ours(message):
    return message.Metadata.Labels.get(labels.OWNER) == ORG


def _id_of(message):
    return message.Metadata.Labels.get(labels.OKTA_ID, "")


def _about(lock):
    return lock.Spec.Target.User, _id_of(lock)


def _end_of(lock):
    """When a lock ends, in Unix seconds; None: never."""
    return lock.Spec.Expires.seconds + lock.Spec.Expires.nanos / 1e9 if lock.Spec.HasField("Expires") else None


def _is_of_connector(user):
    """Whether a user came through our SAML connector."""
    connector = user.Spec.CreatedBy.Connector
    return (connector.Type, connector.ID) == ("saml", "okta") and not user.Metadata.Labels.get(labels.OWNER)


def _is_adoptable(user):
    """Whether a user who is not ours may be taken over: created by a login through our connector, or a leftover."""
    kept = user.Metadata.Labels
    if kept.get(labels.OWNER):
        return False
    return _is_of_connector(user) or kept.get(labels.ORIGIN) == "okta" or labels.OKTA_ORG in kept


def _rest_of(user):
    """Return a user without the parts that we own.

    It has no `created_by` either: the server copies that from its cache at an update, and for a second the cache still
    has an earlier user of the name.
    """
    rest = UserV2()
    rest.CopyFrom(user)
    for label in (labels.OWNER, labels.OKTA_ID):
        rest.Metadata.Labels.pop(label, None)
    if rest.Metadata.Labels.get(labels.OKTA_ORG) == ORG_URL:
        del rest.Metadata.Labels[labels.OKTA_ORG]
    for trait in [trait for trait in rest.Spec.Traits.Values if trait.startswith("okta/")]:
        del rest.Spec.Traits.Values[trait]
    for part in ("Expires", "Revision"):
        rest.Metadata.ClearField(part)
    rest.Spec.ClearField("Expires")
    rest.Spec.ClearField("Roles")
    rest.Spec.ClearField("CreatedBy")
    return rest


def _repaired_too_often(rows):
    """The Okta ids of people whose users another client changes again and again: we stop to repair them for a while."""
    return {row.okta_id for row in rows if row.reason.startswith("repaired ")}
