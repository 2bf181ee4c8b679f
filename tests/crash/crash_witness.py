"""Judges users and locks in a cluster after every call that it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model.harm import LOCK, USER, HarmLedger
from model.stored import lock_ends
from teleport_okta.model import labels
from teleport_okta.model.harm import Harmed

if TYPE_CHECKING:
    from teleport_okta.model.harm import Evidence


@dataclass
class Witness:
    """What must be true of one cluster at any moment, at whatever moment a process dies.

    `lawful` has the harm for which the organisation has given a reason so far, with its evidence. `pairs` are the old
    and new names of renamed people, `devices` the MFA devices that must stay.
    """

    world: object
    lawful: dict[Harmed, Evidence] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    devices: dict[str, list[str]] = field(default_factory=dict)
    foreign: dict[str, bytes] = field(default_factory=dict)
    ledger: HarmLedger = field(init=False)
    violations: list[str] = field(default_factory=list)
    _owned: dict[str, str] = field(default_factory=dict)
    _harmed: set[Harmed] = field(default_factory=set)
    _said: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.ledger = HarmLedger(lambda _evidence, _of: self.world.limit)

    @property
    def users(self):
        """All users of the cluster by name, as stored."""
        return {user.Metadata.Name: user for user in self.world.teleport.cluster.users.all_stored()}

    def owned(self):
        """Name to Okta id of the users that are ours."""
        return {
            name: user.Metadata.Labels[labels.OKTA_ID]
            for name, user in self.users.items()
            if user.Metadata.Labels.get(labels.OWNER) == self.world.okta.id
        }

    def locks(self):
        """Return (name of the user, Okta id) to the ends (None: no end) of our locks in force."""
        now, owner = self.world.clock.now(), self.world.okta.id
        ours = [
            lock
            for lock in self.world.teleport.cluster.locks.all_stored()
            if lock.Metadata.Labels.get(labels.OWNER) == owner
        ]
        found = {about: [end for end in ends if end is None or now < end] for about, ends in lock_ends(ours).items()}
        return {about: ends for about, ends in found.items() if ends}

    def keep_foreign(self, *names):
        """Remember users of others, who must stay as they are to the byte."""
        self.foreign |= {name: self.users[name].SerializeToString() for name in names}

    def people_acted(self):
        """Accept the users that are there now: people have deleted some."""
        self._owned = self.owned()

    def look(self, call):
        """Compare the cluster with what was seen before, and with what must always be true."""
        users, owned, locks = self.users, self.owned(), self.locks()
        deleted = {(name, okta_id) for name, okta_id in self._owned.items() if name not in users}
        self._owned = owned
        for about in deleted:
            if not any(locks.get(about, [])):
                self._object(call, f"{about} was deleted without a leaver's lock in force")
        for old, new in self.pairs:
            if old not in users and new not in users:
                self._object(call, f"neither {old} nor {new} is there")
        for name, before in self.foreign.items():
            if name not in users or users[name].SerializeToString() != before:
                self._object(call, f"{name}, who is not ours, was changed")
        for name, devices in self.devices.items():
            if self.world.teleport.administrator.mfa_devices(name) != devices:
                self._object(call, f"{name} lost MFA devices")
        for about, ends in locks.items():
            if len(ends) > 1:
                self._object(call, f"{about} has {len(ends)} locks")
        self._weigh(call, owned, locks, deleted)

    def _weigh(self, call, owned, locks, deleted):
        """Note new harm, and object if there is no reason for it or no room in the hour."""
        ended = {Harmed(USER, *about) for about, ends in locks.items() if None not in ends}
        ended |= {Harmed(USER, *about) for about in deleted}
        ended |= {harmed for harmed in self._harmed if harmed.kind == USER and harmed.name not in owned}
        suspended = {Harmed(LOCK, *about) for about, ends in locks.items() if None in ends}
        new, self._harmed = (ended | suspended) - self._harmed, ended | suspended
        now = self.world.clock.now()
        for harmed in sorted(new):
            # A leaver may be locked without an end first, while reads do not show the end yet.
            evidence = self.lawful.get(harmed) or self.lawful.get(Harmed(USER, harmed.name, harmed.okta_id))
            if evidence is None:
                self._object(call, f"{harmed} happened without a reason")
                continue
            if excess := self.ledger.excess(self.ledger.add(harmed, evidence, now)):
                self._object(call, excess)

    def _object(self, call, what):
        """Note what is wrong, the first time that it is seen."""
        if what in self._said:
            return
        self._said.add(what)
        self.violations.append(f"{self.world.clock.now():%d. %H:%M:%S} at {call.rpartition('/')[2]}: {what}")
