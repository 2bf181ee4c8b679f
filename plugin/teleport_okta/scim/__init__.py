"""The SCIM door: Okta provisions users and pushes groups, by requests whose answers say what was applied."""
