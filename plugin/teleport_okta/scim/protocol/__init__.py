"""SCIM 2.0 as values: bodies, PATCH, filters, projection and discovery (RFC 7643, RFC 7644).

Nothing here reads or writes anything. Every fault of a request is a ScimError.

Paths and filters are parsed by scim2-models, which this package alone imports. Bodies and PATCH work on plain JSON,
because a stored value has to come back exactly as it was sent, and the library's models change some.
"""
