"""The states of our two identities, in use or in their files, for `status` and `doctor` (`docs/design.md` 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.teleport import IdentityState
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.identity_errors import IdentityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.settings import TeleportSettings
    from teleport_okta.teleport.identity import Identity

NOT_JOINED: Final = "not joined yet: no user is created without it; the first start joins"
NO_BOT: Final = (
    "there is none: existing users are not taken over, and there are no plugin settings and no access "
    "requests; set teleport.identity to the bot's identity file"
)


def state_of(which: str, identity: Identity, now: datetime, problem: str = "") -> IdentityState:
    """Return the state of an identity; `problem` is a known problem other than its expiry."""
    if now >= identity.not_after:
        problem = f"it has expired; {problem}" if problem else "it has expired"
    elif not problem and identity.expires_soon(now):
        problem = "it expires soon and has not been renewed"
    return IdentityState(which, identity.source, identity.subject, identity.not_after, problem)


def stored_states(settings: TeleportSettings, data_dir: Path, now: datetime) -> tuple[IdentityState, ...]:
    """Return the states of both identities by their files, with the problem of each."""
    store = HostStore(data_dir)
    host = _stored("host", store.read, str(store.identity_path), now, missing=NOT_JOINED)
    path = settings.identity
    if path is None:
        return host, IdentityState("bot", "", problem=NO_BOT)
    return host, _stored("bot", lambda: load_identity(path), str(path), now, missing=NO_BOT)


def _stored(
    which: str, load: Callable[[], Identity | None], source: str, now: datetime, *, missing: str
) -> IdentityState:
    try:
        identity = load()
    except IdentityError as error:
        return IdentityState(which, source, problem=str(error))
    return state_of(which, identity, now) if identity is not None else IdentityState(which, source, problem=missing)
