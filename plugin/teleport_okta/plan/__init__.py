"""Pure: what Teleport should hold and what it holds in, an ordered list of changes out. A plan is a value."""
