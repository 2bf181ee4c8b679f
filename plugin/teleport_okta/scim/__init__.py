"""The SCIM endpoint: Okta provisions users and pushes groups, and each answer comes after the change in Teleport."""
