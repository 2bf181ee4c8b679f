"""Okta's SCIM client: apps of the organisation provision people and groups on a real SCIM server.

An app gets :class:`ProvisioningSettings`; from then on :class:`Provisioning` listens to the organisation and turns
its changes into jobs, without I/O. :class:`ProvisioningRunner` runs the jobs over HTTP: ``user_requests`` and
``group_requests`` choose the requests of a job, ``client`` sends them.

Source: `docs/reference/scim.md` 2 and `docs/reference/okta.md` 7.
"""
