"""`teleport-okta demo`: scenes of the product at work between the two sandboxes."""
