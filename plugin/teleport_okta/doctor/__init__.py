"""The checks of an installation: whether the service has everything that it needs on both sides, with remedies.

Small independent checks return findings: `configuration`, `state_dir`, `service`, `identities`, `scim_door`,
`scim_reach` and `grpc_listener` on this host; `okta_network`, `okta_rights`, `okta_credential`, `okta_visibility` and
`okta_app` for Okta; `teleport_side` with `teleport_route`, `teleport_rights` and
`teleport_roles`, `management` and `leftovers` for Teleport; `sign_in` compares both. `examine` runs them in order.
Nothing is changed: no join, no write, no lease, no lock; a probe file in the data directory is removed again.
"""
