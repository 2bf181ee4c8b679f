"""Plain frozen values that all packages use: the objects of Okta and Teleport, their labels and their names.

No I/O and no protobuf here. `okta/` and `teleport/` convert between these values and the wire format.
"""
