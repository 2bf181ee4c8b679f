"""An Okta organisation and a Teleport auth server in miniature.

They are shipped with the product: the demo plays its story over them and the tests run against them. Nothing of the
product imports this package except ``demo`` and ``cli``; the product reaches a sandbox as it reaches the real system.
"""
