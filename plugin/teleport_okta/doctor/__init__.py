"""Looking into an installation: is everything there that a service needs, on both sides, and what is to be done if not.

The parts are independent small checks that give findings, by side: `configuration`, `state_dir`, `service`,
`identities` here, `okta_network` and `okta_rights` towards Okta, `teleport_way`, `teleport_rights` and `teleport_roles`
towards Teleport. `examine` runs them in order. Nothing is changed: no join, no write, no lease, no lock; a probe file
in the data directory is removed again.
"""
