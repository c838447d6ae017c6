"""The TLS certificate: loading one, and making a self-signed one for the first start."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable
from typing import Any

from gevent import ssl as gevent_ssl

from .exceptions import ConfigurationError

#: days a self-signed certificate is good for: what Apple's systems accept at most
VALID_DAYS = 825
#: what OpenSSL says of a key that belongs to another certificate; the last is for one of another kind
_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
#: names that a self-signed certificate is for, beside the machine's own
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def server_context(cert: str, key: str) -> ssl.SSLContext:
    """The context for a server with this certificate chain and private key (PEM files), TLS 1.2 or newer.

    It is gevent's kind: its handshakes wait cooperatively. Raises ConfigurationError, one line with the file's name.
    """
    for setting, path in (("server_cert", cert), ("server_key", key)):
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise ConfigurationError(f"{setting} {path}: {error.strerror}") from error
    context: ssl.SSLContext = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_refuse_password)
    except _EncryptedKey:
        raise ConfigurationError(f"server_key {key}: it is encrypted; the server takes one without") from None
    except ssl.SSLError as error:
        if error.reason in _MISMATCH:
            raise ConfigurationError(f"server_key {key}: it does not belong to {cert}") from error
        raise ConfigurationError(_culprit(cert, key)) from error
    except OSError as error:
        raise ConfigurationError(f"server_cert {cert}: {error.strerror}") from error
    return context


def expires(cert: str) -> datetime.datetime:
    """When the (first) certificate of a PEM file ends; ValueError when the file holds none."""
    try:
        # There is no public way to read a certificate without a connection, but this one is as old as the module.
        decoded: dict[str, Any] = ssl._ssl._test_decode_cert(cert)  # type: ignore[attr-defined]
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"{cert} is no certificate") from error
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(decoded["notAfter"]), datetime.UTC)


def make_self_signed(cert: str, key: str, names: Iterable[str] = LOCAL_NAMES) -> None:
    """Write a new certificate for these host names and addresses, signed by itself, and its key.

    The directories are made when missing. Needs the package `cryptography`; ConfigurationError without it, or when the
    files cannot be written.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError:
        raise ConfigurationError(
            "there is no certificate, and making one needs the package cryptography: "
            "pip install 'netimap[server]', or set server_cert and server_key"
        ) from None
    names = list(dict.fromkeys(names))
    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        # an hour back, for clients whose clocks are late
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()), critical=False)
        .sign(private_key, hashes.SHA256())
    )
    secret = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The key first: a start that finds the certificate finds its key too.
    _write(key, secret, 0o600)
    _write(cert, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def local_names() -> list[str]:
    """The names for a self-signed certificate on this machine."""
    name = socket.gethostname()
    # A certificate takes host names in ASCII only.
    return list(dict.fromkeys([*LOCAL_NAMES, *([name] if name.isascii() and name else [])]))


class _EncryptedKey(Exception):
    pass


def _refuse_password() -> str:
    # OpenSSL would ask on the terminal otherwise, and a daemon has none.
    raise _EncryptedKey


def _culprit(cert: str, key: str) -> str:
    """Which of the two files OpenSSL could not read; its own error does not say."""
    try:
        expires(cert)
    except ValueError:
        return f"server_cert {cert}: this is no certificate in PEM format"
    return f"server_key {key}: this is no private key in PEM format"


def _general_name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: str, data: bytes, mode: int) -> None:
    temporary = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.replace(temporary, path)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
