"""netimap.testing.RunningServer: in this thread's greenlets, and in a thread for clients that block."""

import imaplib
import ssl
import threading

import pytest

from netimap import DefaultAuth
from netimap.exceptions import ConfigurationError
from netimap.testing import RunningServer, server_certificate


def test_plain_tls_and_starttls(user):
    with RunningServer() as server:
        assert server.connect(user).ok("NOOP")
        assert server.connect(user, tls=True).ok("NOOP")
        client = server.connect()
        client.starttls()
        client.login(user)


def test_options_reach_the_server():
    class Nobody(DefaultAuth):
        def auth_plain(self, user, password):
            return False

    with RunningServer(auth_class=Nobody, ssl_port=None) as server:
        assert server.ssl_port is None
        assert server.connect().command("LOGIN a b").status == "NO"
        with pytest.raises(ValueError, match="does not listen"):
            server.connect(tls=True)
    with RunningServer(server_cert=None) as server:
        assert server.ssl_port is None
        assert server.client_context() is None
        assert not any(b"STARTTLS" in line for line in server.connect().ok("CAPABILITY").untagged)


@pytest.mark.parametrize("thread", [False, True])
def test_wrong_options_are_an_error_at_once(thread):
    with pytest.raises(ConfigurationError), RunningServer(thread=thread, bogus=1):
        pass


def test_stop_ends_everything(user):
    server = RunningServer().start()
    client = server.connect(user)
    server._clients.clear()
    server.stop()
    # the client was not closed: the server says BYE
    assert any(line.startswith(b"* BYE") for line in client.rest())
    client.close()
    server.stop()


def test_in_a_thread_with_a_blocking_client(user):
    before = threading.active_count()
    with RunningServer(thread=True) as server:
        plain = imaplib.IMAP4("127.0.0.1", server.port, timeout=10)
        assert plain.login(user, "secret")[0] == "OK"
        assert plain.select() == ("OK", [b"0"])
        assert plain.append("INBOX", "(\\Seen)", None, b"Subject: x\r\n\r\n")[0] == "OK"
        context = ssl.create_default_context(cafile=server_certificate()[0])
        secure = imaplib.IMAP4_SSL("127.0.0.1", server.ssl_port, ssl_context=context, timeout=10)
        secure.login(user, "secret")
        assert secure.select() == ("OK", [b"1"])
        # the cooperative client works with it too
        assert server.connect(user).ok("SELECT INBOX").of("EXISTS") == [b"* 1 EXISTS"]
        plain.logout()
        secure.logout()
        left = server.connect(user)
        server._clients.remove(left)
    assert threading.active_count() == before
    assert any(line.startswith(b"* BYE") for line in left.rest())
    left.close()


def test_the_certificate_is_made_once():
    assert server_certificate() == server_certificate()
