"""Looking into an installation: is everything there that a service needs, on both sides, and what is to be done if not.

The parts are independent small checks that give findings, by side: `configuration`, `state_dir`, `service`,
`identities`, `scim_door`, `scim_reach` and `grpc_listener` here; `okta_network`, `okta_rights`, `okta_credential`,
`okta_visibility` and `okta_app` towards Okta; `teleport_side` with `teleport_way`, `teleport_rights` and
`teleport_roles`, `management` and `leftovers` towards Teleport; `sign_in` compares both. `examine` runs them in order.
Nothing is changed: no join, no write, no lease, no lock; a probe file in the data directory is removed again.
"""
