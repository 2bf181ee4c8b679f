"""The service-account token of our pod, which join method `kubernetes` sends.

The kubelet replaces the file well before the token expires, so it is read again for each join
(`docs/reference/teleport-observed.md` 4).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_VARIABLE: Final = "KUBERNETES_TOKEN_PATH"
"""Environment variable that names another file than the usual one, as Teleport's own agents have it."""

_USUAL_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class PodTokenError(TeleportError):
    """There is no service-account token to join with. `path` is the file."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"join method kubernetes: {path}: {problem}",
            remedy="run in a pod whose service account's token is mounted (automountServiceAccountToken, or a "
            f"projected volume and {PATH_VARIABLE}), or set teleport.join_method to token",
        )
        self.path = path


class NotInPodError(PodTokenError):
    """The file does not exist: this is probably not a pod."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "there is no such file, so this does not run in a pod or its token is not mounted")


def read_pod_token(environment: Mapping[str, str] = os.environ) -> str:
    """Return the token, trimmed. Raises PodTokenError."""
    path = environment.get(PATH_VARIABLE) or _USUAL_PATH
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise NotInPodError(path) from error
    except OSError as error:
        raise PodTokenError(path, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError:
        raise PodTokenError(path, "it is no token") from None
    if not token:
        raise PodTokenError(path, "it is empty")
    return token
