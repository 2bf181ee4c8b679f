"""SAML: what Okta's identity provider says about itself, and enrolment."""
