"""SAML connectors as the server keeps them: metadata, its download, signing keys, checks, writes."""
