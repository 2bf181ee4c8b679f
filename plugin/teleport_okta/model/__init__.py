"""Plain frozen values that every other package speaks in: what Okta says, what Teleport holds, how things are named.

No I/O and no protobuf here. `okta/` and `teleport/` translate between these values and the wire.
"""
