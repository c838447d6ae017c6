"""curl over TLS: what a person at a shell, or a script, does with an IMAP server."""

import re
import subprocess

import pytest
from mail_samples import SAMPLES, simple
from operated import HOST, PATIENCE_S, program


class Curl:
    """curl, run for a user of the server."""

    def __init__(self, account, tmp_path):
        self.account = account
        self._path = program("curl", "curl")
        self._tmp_path = tmp_path

    def __call__(self, path, *arguments, trust=True, status=0, tls="imaps"):
        """Run curl with the URL's path; its standard output. It has to end with `status`."""
        server = self.account.server
        port = server.ssl_port if tls == "imaps" else server.port
        done = subprocess.run(
            [
                *(self._path, "--disable", "--silent", "--show-error", "--max-time", f"{PATIENCE_S}"),
                *(("--cacert", server.cert) if trust else ()),
                *("--user", f"{self.account.name}:{self.account.password}", f"{tls}://{HOST}:{port}/{path}"),
                *arguments,
            ],
            capture_output=True,
            timeout=2 * PATIENCE_S,
            check=False,
        )
        assert done.returncode == status, (done.returncode, done.stderr)
        return done.stdout

    def upload(self, message, mailbox="INBOX"):
        file = self._tmp_path / "message"
        file.write_bytes(message)
        self(mailbox, "-T", file)


@pytest.fixture
def curl(account, tmp_path):
    return Curl(account, tmp_path)


def test_list(curl):
    assert re.search(rb'^\* LIST \([^)]*\) "/" "INBOX"\r$', curl(""), re.MULTILINE)


def test_list_with_starttls(curl):
    assert b'"INBOX"' in curl("", "--ssl-reqd", tls="imap")


def test_without_the_certificate_curl_does_not_trust_the_server(curl):
    # 60: the certificate cannot be verified
    curl("", trust=False, status=60)


def test_wrong_password(curl):
    # 67: the login was denied
    curl("", "--user", f"{curl.account.name}:wrong", status=67)


def test_messages_come_back_as_they_were_uploaded(curl):
    names = ("every-octet", "no-newline-at-the-end", "empty-body", "dots", "megabyte")
    for number, name in enumerate(names, 1):
        curl.upload(SAMPLES[name])
        assert curl(f"INBOX;MAILINDEX={number}") == SAMPLES[name]


def test_fetch_by_uid_and_section(curl):
    for name in ("one", "two"):
        curl.upload(simple(name))
    (uid,) = re.findall(rb"\* 2 FETCH \(UID (\d+)\)", curl("INBOX", "-X", "FETCH 2 UID"))
    assert curl(f"INBOX;UID={uid.decode()};SECTION=TEXT") == b"Hello,\r\n\r\nthis is two.\r\n"
    assert b"Subject: two\r\n" in curl(f"INBOX;UID={uid.decode()};SECTION=HEADER.FIELDS%20(SUBJECT)")
    # 78: no such message
    curl("INBOX;UID=999999", status=78)


def test_search_store_and_expunge(curl):
    for name in ("one", "two", "three"):
        curl.upload(simple(name))
    assert curl("INBOX?SUBJECT%20two") == b"* SEARCH 2\r\n"
    # curl marks what it uploads as seen
    assert curl("INBOX?SEEN%20NOT%20BODY%20two").split() == [b"*", b"SEARCH", b"1", b"3"]
    assert rb"\Deleted" in curl("INBOX", "-X", r"STORE 2 +FLAGS (\Deleted)")
    assert curl("INBOX", "-X", "EXPUNGE").startswith(b"* 2 EXPUNGE\r\n")
    assert curl("INBOX", "-X", "UID FETCH 1:* FLAGS").count(b"FETCH (") == 2


def test_a_missing_mailbox_is_an_error(curl):
    # 67: to curl, a SELECT that is refused is a login that was denied
    curl("Nowhere;MAILINDEX=1", status=67)
