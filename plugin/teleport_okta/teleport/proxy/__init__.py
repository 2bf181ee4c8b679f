"""The route to the auth server through Teleport's proxy, usually on port 443.

The proxy routes by the first ALPN value of a TLS handshake, which grpcio cannot set, and forwards the bytes unchanged,
so the handshake is one with the auth server. Therefore a small forwarder in this process makes that TLS connection and
offers plain HTTP/2 to grpcio on a Unix socket. Behind a load balancer that ends TLS, the same TLS session runs inside a
WebSocket. The proxy serves the cluster's name and its settings over HTTPS (`docs/reference/teleport.md` 1.2 to 1.4).
"""
