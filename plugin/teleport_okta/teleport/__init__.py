"""The adapter to Teleport: identities, joining, dialling, and the resources that we read and write.

`cluster.Teleport` is what the rest of the product uses; it speaks in the values of `model.teleport` and raises the
errors of `errors`. Protobuf messages stop at this package.
"""
