"""Access lists as the server stores them: rules, nesting, members. No permissions and no protocol (`services/`)."""
