"""An office whose log is followed, step by step and in virtual time."""

from __future__ import annotations

from collections import Counter

from teleport_okta import app


class Followed:
    """The parts of a follower, without their tasks: a test decides when the log is read."""

    def __init__(self, office):
        self.office = office
        self.reconciled = []
        self._build()

    @classmethod
    async def since_a_pass(cls, office):
        """Follow the log from before a full pass, and handle the hints of the events until then."""
        followed = cls(office)
        await followed.watcher.poll()
        await office.settled()
        await followed.catch_up()
        return followed

    def _build(self):
        world = self.world
        follower = app.follower_of(world.settings, world.parts, self._reconcile)
        self.follower, self.watcher, self.worker = follower, follower.watcher, follower.worker

    @property
    def world(self):
        return self.office.world

    @property
    def okta(self):
        return self.office.okta

    def person(self, login):
        return self.office.person(login)

    async def _reconcile(self, cause):
        self.reconciled.append(cause)
        return (await self.world.run()).applied

    async def next_pass(self):
        """A full pass, and then the events of the log from before it."""
        await self.office.next_pass()
        await self.catch_up(after=120)

    async def catch_up(self, *, after=2):
        """Read the log some seconds from now, and handle its hints; return the calls by bucket."""
        self.world.clock.advance(2)
        mark = self.world.parts.okta.people.calls
        await self.watcher.poll()
        await self.worker.handle_all()
        while after > 2:
            step = min(after - 2, 31)
            after -= step
            self.world.clock.advance(step)
            await self.worker.handle_all()
        return Counter(self.world.parts.okta.people.calls_since(mark))

    async def restart(self):
        """End the process, start another, and follow the log there."""
        await self.world.restart()
        self._build()

    async def nothing_is_left(self):
        """A full pass finds nothing to do."""
        report = await self.office.next_pass()
        changes = [(one.action, one.kind, one.name, one.reason) for one in report.plan.changes]
        assert not changes, changes
