"""The state: journal, hints, the people and objects last read, quarantine, approvals. SQLite in the data directory.

If it is lost, the next full pass rebuilds what is needed from Okta and Teleport; history, approvals and SCIM tokens are
lost.
"""
