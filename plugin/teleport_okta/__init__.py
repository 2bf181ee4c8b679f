"""A sidecar that keeps the users of a Teleport cluster in step with the people of an Okta organisation.

`app` builds all parts, and `cli` has the commands. `docs/architecture.md` describes the packages and the direction in
which data flows.
"""

__version__ = "0.1.0"
