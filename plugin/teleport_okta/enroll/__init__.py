"""The command `enroll`: from credentials of both sides to users who are synced, and back."""
