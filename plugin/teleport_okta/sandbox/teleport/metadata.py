"""The checks of metadata that every resource must pass.

See `docs/reference/teleport.md` 4.0.2, `docs/reference/teleport-observed.md` 2.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp

from teleport_okta.model.labels import ORIGIN

from .refusal import bad_parameter, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from teleport.header.v1.metadata_pb2 import Metadata as ModernMetadata
    from teleport.legacy.types.types_pb2 import Metadata

ORIGINS: Final = (
    "defaults",
    "config-file",
    "dynamic",
    "cloud",
    "kubernetes",
    "okta",
    "scim",
    "discovery-kubernetes",
    "entra-id",
    "aws-identity-center",
    "integration_awsrolesanywhere",
)
"""The values that the origin label may have, in the order in which the refusal lists them."""

YEAR_ONE: Final = -62_135_596_800
"""Seconds of 0001-01-01, which the server sends for a time that it cannot leave out."""

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9@_:.\-+]+")
_LABEL_KEY: Final = re.compile(r"[A-Za-z0-9/._:*\-]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_metadata(metadata: Metadata) -> None:
    """Fill the namespace and refuse a missing name, a foreign namespace, a bad label key or origin.

    The characters of the name are checked only when it becomes part of a backend key (`check_key_part`).
    """
    if not metadata.Name:
        raise bad_parameter("missing parameter Name")
    check_namespace(metadata.Namespace)
    metadata.Namespace = "default"
    _check_labels(metadata.Labels)


def check_namespace(namespace: str) -> None:
    """Refuse a namespace other than `default` or an empty one, which means `default`."""
    if namespace not in {"", "default"}:
        raise bad_parameter(
            f"namespace {quoted(namespace)} invalid, custom namespaces are deprecated; "
            f'the namespace field should be omitted or set to "default"'
        )


def check_modern_metadata(metadata: ModernMetadata) -> None:
    """Refuse the same in a message of the newer API, except its namespace, which the server does not check."""
    if not metadata.name:
        raise bad_parameter("missing parameter Name")
    _check_labels(metadata.labels)


def _check_labels(labels: Mapping[str, str]) -> None:
    for key in labels:
        if not _LABEL_KEY.fullmatch(key):
            raise bad_parameter(f"invalid label key: {quoted(key)}")
    origin = labels.get(ORIGIN, "")
    if origin and origin not in ORIGINS:
        raise bad_parameter(f"invalid origin value {quoted(origin)}, must be one of [{' '.join(ORIGINS)}]")


def check_key_part(part: str, key: str) -> None:
    """Refuse a name that cannot be part of its backend key; reads and deletes do not check it."""
    if part not in {".", ".."} and _SAFE_NAME.fullmatch(part):
        return
    raise bad_parameter(
        "special characters are not allowed in resource names, please use name composed only from characters, "
        f"hyphens, dots, and plus signs: {quoted(key)}"
    )


def origin_of(metadata: Metadata) -> str:
    """Return the origin label, empty without one. Does not add it, as reading a protobuf map by index would."""
    return metadata.Labels.get(ORIGIN, "")


def matches_search(metadata: Metadata, keywords: Sequence[str]) -> bool:
    """Return whether every keyword (lower case) is part of the name or of a label."""
    texts = [metadata.Name.lower()]
    for key, value in metadata.Labels.items():
        texts += (key.lower(), value.lower())
    return all(any(keyword in text for text in texts) for keyword in keywords)


def seconds_of(moment: Timestamp) -> float | None:
    """Return Unix seconds, or None for the year 1, which means no time."""
    if moment.seconds <= YEAR_ONE:
        return None
    return moment.seconds + moment.nanos / 1e9


def timestamp_at(seconds: float) -> Timestamp:
    """Return the protobuf time of Unix seconds, to the microsecond."""
    stamp = Timestamp()
    stamp.FromDatetime(_EPOCH + timedelta(seconds=seconds))
    return stamp
