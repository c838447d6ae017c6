"""netimap.certificate: what the server says of bad files, and the self-signed certificate of the first start."""

import datetime
import os
import shutil
import socket
import ssl
import subprocess
import sys

import gevent
import gevent.ssl
import pytest
from gevent import socket as gevent_socket

from netimap import certificate
from netimap.exceptions import ConfigurationError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A certificate and its key, made once."""
    directory = tmp_path_factory.mktemp("certs") / "new"
    cert, key = str(directory / "cert.pem"), str(directory / "key.pem")
    certificate.make_self_signed(cert, key, ["localhost", "127.0.0.1", "::1", "mail.example.org"])
    return cert, key


def handshake(server_context, client_context, name):
    """Shake hands over a socket pair; return the TLS version and the certificate that the client saw."""
    left, right = socket.socketpair()
    near = gevent_socket.socket(fileno=left.detach())
    far = gevent_socket.socket(fileno=right.detach())
    server = gevent.spawn(server_context.wrap_socket, near, server_side=True)
    with client_context.wrap_socket(far, server_hostname=name) as client, server.get(timeout=5):
        return client.version(), client.getpeercert()


def client_context(cert):
    context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cert)
    return context


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "mail.example.org"])
def test_self_signed_certificate_is_verified_by_clients(files, name):
    version, seen = handshake(certificate.server_context(*files), client_context(files[0]), name)
    assert version == "TLSv1.3"
    assert seen["subject"] == ((("commonName", "localhost"),),)


def test_old_tls_is_refused(files):
    """RFC 8996, RFC 8314 4.1."""
    context = client_context(files[0])
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(certificate.server_context(*files), context, "localhost")[0] == "TLSv1.2"
    assert certificate.server_context(*files).minimum_version == ssl.TLSVersion.TLSv1_2


def test_handshake_waits_cooperatively(files):
    assert isinstance(certificate.server_context(*files), gevent.ssl.SSLContext)


def test_key_is_secret(files):
    cert, key = files
    assert os.stat(key).st_mode & 0o777 == 0o600
    assert sorted(os.listdir(os.path.dirname(cert))) == ["cert.pem", "key.pem"]


def test_expiry(files):
    left = certificate.expires(files[0]) - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=824) < left <= datetime.timedelta(days=825)
    with pytest.raises(ValueError, match="is no certificate"):
        certificate.expires(files[1])
    with pytest.raises(ValueError, match="is no certificate"):
        certificate.expires("/no/such/file")


def test_local_names():
    assert certificate.local_names()[:3] == ["localhost", "127.0.0.1", "::1"]
    assert len(set(certificate.local_names())) == len(certificate.local_names())


def problem(cert, key):
    with pytest.raises(ConfigurationError) as error:
        certificate.server_context(str(cert), str(key))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_files_are_named(files, tmp_path):
    cert, key = files
    assert problem(tmp_path / "no", key) == f"server_cert {tmp_path}/no: No such file or directory"
    assert problem(cert, tmp_path / "no") == f"server_key {tmp_path}/no: No such file or directory"
    assert problem(tmp_path, key) == f"server_cert {tmp_path}: Is a directory"


def test_a_key_that_may_not_be_read_is_named(files, monkeypatch):
    def refuse(path, mode):
        if path == files[1]:
            raise PermissionError(13, "Permission denied")
        return open(path, mode)

    monkeypatch.setattr(certificate, "open", refuse, raising=False)
    assert problem(*files) == f"server_key {files[1]}: Permission denied"


def test_files_that_are_no_pem_are_named(files, tmp_path):
    cert, key = files
    (tmp_path / "junk").write_text("junk")
    assert problem(tmp_path / "junk", key) == f"server_cert {tmp_path}/junk: this is no certificate in PEM format"
    assert problem(cert, tmp_path / "junk") == f"server_key {tmp_path}/junk: this is no private key in PEM format"
    assert problem(cert, cert) == f"server_key {cert}: this is no private key in PEM format"


def test_key_of_another_certificate_is_named(files, tmp_path):
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)):
        secret = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
        (tmp_path / "key").write_bytes(secret)
        assert problem(files[0], tmp_path / "key") == f"server_key {tmp_path}/key: it does not belong to {files[0]}"


def test_encrypted_key_is_named_and_nobody_is_asked(files, tmp_path):
    from cryptography.hazmat.primitives import serialization as s

    with open(files[1], "rb") as file:
        key = s.load_pem_private_key(file.read(), None)
    encrypted = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"x"))
    (tmp_path / "key").write_bytes(encrypted)
    assert problem(files[0], tmp_path / "key").startswith(f"server_key {tmp_path}/key: it is encrypted")


def test_without_cryptography_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'netimap\[server\]'"):
        certificate.make_self_signed(str(tmp_path / "cert"), str(tmp_path / "key"))
    assert os.listdir(tmp_path) == []


def test_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=f"^{tmp_path}/file/key: File exists$"):
        certificate.make_self_signed(str(tmp_path / "file" / "cert"), str(tmp_path / "file" / "key"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")
def test_openssl_verifies_it(files):
    command = ["openssl", "verify", "-x509_strict", "-CAfile", files[0], "-purpose", "sslserver", files[0]]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.stdout == f"{files[0]}: OK\n", result.stderr
