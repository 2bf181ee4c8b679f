"""The people of an Okta organisation as users of a Teleport cluster, kept right by a sidecar.

`app` composes the parts; `cli` is what people run. The packages between them, and the direction in which data flows
through them, are described in `docs/architecture.md`.
"""

__version__ = "0.1.0"
