"""Removing what the integration left in a cluster: an inventory, a plan that a person approves, and its execution.

`inventory` decides by ownership what goes and what stays, `plan` orders it; both are pure. `reading` fills them,
`activity` refuses while something still syncs, `run` applies with the adapters and the journal of the product.
"""
