"""The adapter to Okta: credentials, pacing, a typed client and complete snapshots. Nothing outside knows Okta's JSON.

A read goes `reads` → `pages` → `client` → `sending` (pacing and retries) → `transport` (one attempt); what comes back
becomes values of `model.okta` in `facts`. The rules are those of `docs/reference/okta.md` 1 to 3.

The ways in are `credentials` (an API token), `service_app` with its `private_key` and proofs of possession (`dpop`),
dated by Okta's own clock (`okta_clock`), where need be through an `http_proxy` and with CAs of one's own (`trust`).
"""
