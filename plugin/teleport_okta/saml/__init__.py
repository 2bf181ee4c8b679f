"""SAML: the metadata of Okta's identity provider, and enrolment."""
