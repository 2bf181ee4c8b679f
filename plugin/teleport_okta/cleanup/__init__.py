"""`teleport-okta cleanup`: removes from a cluster what the integration made.

`inventory` selects the objects by their labels, `plan` and `steps` order the changes; these modules are pure.
`reading` reads the cluster, `blockers` finds what still syncs, `run` shows a plan and applies it with the adapters and
the journal of the product.
"""
