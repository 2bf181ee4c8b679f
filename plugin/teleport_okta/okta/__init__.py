"""The adapter to Okta: credentials, rate limits, a typed client and complete snapshots. Okta's JSON stays in here.

A read goes through `people_reader` or `groups_and_apps`, `pages`, `client`, `request_sender` (rate limits and retries)
and `transport` (one attempt). `facts` makes values of `model.okta` from the answer. The rules are those of
`docs/reference/okta.md` 1 to 3.

Requests are signed by an API token (`credentials`) or by a service app (`service_app`), with its `private_key` and
proofs of possession (`dpop`), dated by Okta's clock (`okta_clock`). They may go through an `http_proxy`, and `trust`
adds CAs.
"""
