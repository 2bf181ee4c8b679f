"""The auth server as it is reached through Teleport's proxy, usually on port 443.

See `docs/reference/teleport.md` 1.2 to 1.4.

The proxy routes by the first ALPN value of a TLS handshake, which grpcio cannot set; and it passes the bytes on
untouched, so that the handshake is one with the auth server. Therefore a small forwarder in this process speaks that
TLS and hands plain HTTP/2 to grpcio over a Unix socket. Behind a load balancer that ends TLS itself, the same session
runs inside a WebSocket. What the cluster is called, and how it wants to be reached, the proxy tells over HTTPS.
"""
