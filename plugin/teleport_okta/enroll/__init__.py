"""The command `enroll`: sets up the sync from the credentials of both sides, and removes it again."""
