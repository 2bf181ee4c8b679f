"""The story that `teleport-okta demo` tells: the product at work between the two sandboxes."""
