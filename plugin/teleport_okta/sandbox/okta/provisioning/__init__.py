"""Okta's SCIM client: apps of the organisation provision people and groups on a real SCIM server.

An app is given :class:`ProvisioningSettings`; from then on :class:`Provisioning` listens to the organisation and turns
its changes into jobs, without I/O. :class:`ProvisioningRunner` carries the jobs out over HTTP: ``user_requests`` and
``group_requests`` say which requests a job makes, ``client`` sends them.

Source: `docs/reference/scim.md` 2 and `docs/reference/okta.md` 7.
"""
