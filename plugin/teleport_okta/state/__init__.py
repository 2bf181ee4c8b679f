"""What a process remembers: journal, last-seen people, quarantine, plans. SQLite in the data directory.

Losing it costs memory, not truth: the next full pass rebuilds what counts from Okta and Teleport.
"""
