"""The files of a certificate and its key, as another program writes them while the endpoint runs."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class CertificateFiles:
    """Two files in a directory, each replaced as a whole."""

    def __init__(self, directory):
        self.certificate, self.key = directory / "cert.pem", directory / "key.pem"

    @property
    def keys(self):
        """The keys of the settings that name them."""
        return {"certificate": str(self.certificate), "key": str(self.key)}

    def write(self, certificate=None, key=None):
        """Write the certificate of one `WebCertificate`, the key of one, or both."""
        if certificate is not None:
            self._replace(self.certificate, certificate.certificate.public_bytes(Encoding.PEM))
        if key is not None:
            self._replace(self.key, key.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def _replace(self, path, content):
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(path)
