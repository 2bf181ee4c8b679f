"""The adapter to Teleport: identities, joining, connections, and the resources that we read and write.

The rest of the product uses `cluster.Teleport`, which takes and returns values of `model.teleport` and raises the
errors of `teleport_errors`. Protobuf messages do not leave this package.
"""
