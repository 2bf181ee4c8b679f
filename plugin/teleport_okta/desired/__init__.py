"""Pure: Okta facts and settings in, what Teleport should hold out."""
