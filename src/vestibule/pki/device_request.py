"""A device's certificate request (PKCS #10, RFC 2986): of all that it asks for, only the key counts.

Names, extensions and attributes are passed over: for whom a certificate is, an invitation says.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vestibule.pki.certificates import LeafKey

LONGEST = 8192
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES = (ec.SECP256R1, ec.SECP384R1)


class UnfitRequest(ValueError):
    """There will be no certificate for it; the message says why."""


def key_of_request(pem: bytes) -> LeafKey:
    """The public key, which the request proves to be its maker's. Raises UnfitRequest."""
    if len(pem) > LONGEST:
        raise UnfitRequest(f"longer than {LONGEST} octets")
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        algorithm = request.signature_hash_algorithm
        proven = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise UnfitRequest("not a certificate request in PEM") from error
    if isinstance(key, ec.EllipticCurvePublicKey):
        fit = isinstance(key.curve, _CURVES)
    elif isinstance(key, rsa.RSAPublicKey):
        fit = 2048 <= key.key_size <= 4096 and key.public_numbers().e >= 65537
    else:
        fit = False
    if not fit or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise UnfitRequest("the key must be P-256, P-384, or RSA of 2048 to 4096 bits")
    if not isinstance(algorithm, _HASHES):
        raise UnfitRequest("signed with a weak hash")
    if not proven:
        raise UnfitRequest("not signed by its own key")
    return key
