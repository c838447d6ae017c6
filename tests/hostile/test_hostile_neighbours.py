"""No input may keep another connection waiting for more than 100 ms (issue 2, section 4)."""

import subprocess
import sys
import textwrap

import gevent
import pytest
from serving import Neighbour, eventually, new_user

from netimap import DefaultModel, Message

#: seconds of processor time for which a neighbour may have to wait
MAX_STALL_S = 0.1
RAW = b"Subject: hello\r\nFrom: a@example.org\r\n\r\n" + b"text " * 100 + b"\r\n"
#: a message whose structure takes milliseconds to find out
LARGE = b"Content-Type: text/plain\r\n\r\n" + (b"x" * 70 + b"\r\n") * 15_000
MESSAGES = 4_000


class ManySmall(DefaultModel):
    def build(self, root):
        inbox = root.add_child(name="INBOX")
        root.add_child(name="other")
        for _ in range(MESSAGES):
            inbox.add_message(Message(RAW))


class Large(Message):
    def raw(self, *raw):
        return LARGE


class SomeLarge(DefaultModel):
    def build(self, root):
        inbox = root.add_child(name="INBOX")
        root.add_child(name="other")
        for _ in range(400):
            inbox.add_message(Large())


def run(client, command):
    """Run a command and read its answer without looking at it: the time it takes to do so would be counted too."""
    client._socket.sendall(b"q " + command.encode() + b"\r\n")
    octets = b"\r\n"
    while not (octets.endswith(b"\r\n") and b"\r\nq " in octets):
        octets = octets[-100:] + client._socket.recv(1 << 20)
    assert b"\r\nq OK" in octets, octets[-200:]


@pytest.mark.parametrize(
    ("model", "commands"),
    [
        (ManySmall, ["FETCH 1:* (UID FLAGS)"]),
        (ManySmall, ["FETCH 1:* FULL", "FETCH 1:* BODYSTRUCTURE"]),
        (ManySmall, ["UID FETCH 1:4294967295 (UID BODY.PEEK[HEADER.FIELDS (From To Subject)])", "FETCH 1:* RFC822"]),
        (ManySmall, ["STORE 1:* +FLAGS (\\Deleted work)", "STORE 1:* FLAGS ()"]),
        (ManySmall, ["STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE"]),
        (ManySmall, ["COPY 1:* other", "UID COPY 1:* other", "RENAME INBOX moved"]),
        (ManySmall, ["SEARCH TEXT nowhere", "SEARCH NOT BODY text", "SEARCH OR SUBJECT a OR FROM b HEADER To c"]),
        (SomeLarge, ["FETCH 1:* BODYSTRUCTURE", "FETCH 1:20 (ENVELOPE BODY.PEEK[1]<0.10>)"]),
        (SomeLarge, ["SEARCH 1:30 TEXT nowhere", "COPY 1:100 other"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else value[0].replace(":*", ""),
)  # fmt: skip
def test_long_commands_let_others_in(serve, model, commands):
    server = serve(model_class=model)
    client = server.connect(new_user())
    client.ok("SELECT INBOX")
    with Neighbour(server) as neighbour:
        for command in commands:
            run(client, command)
    assert neighbour.stall_s < MAX_STALL_S


def test_a_session_that_hears_of_many_changes_lets_others_in(serve):
    server = serve(model_class=ManySmall)
    user = new_user()
    one, two, idling = (server.connect(user) for _ in range(3))
    for client in (one, two, idling):
        client.ok("SELECT INBOX")
    with Neighbour(server) as neighbour:
        run(one, "STORE 1:* +FLAGS.SILENT (\\Deleted)")
        idling._socket.sendall(b"i IDLE\r\n")
        run(two, "NOOP")
        run(one, "EXPUNGE")
        run(two, "NOOP")
    assert neighbour.stall_s < MAX_STALL_S


def test_a_long_pipeline_lets_others_in(serve):
    server = serve()
    client = server.connect(new_user())
    client.ok("SELECT INBOX")
    with Neighbour(server) as neighbour:
        client._socket.sendall(b"a NOOP\r\n" * 20_000 + b"q NOOP\r\n")
        octets = b""
        while b"\r\nq OK" not in octets:
            octets = octets[-100:] + client._socket.recv(1 << 20)
    assert neighbour.stall_s < MAX_STALL_S
    assert neighbour.answers > 5


FLOOD = textwrap.dedent("""
    import socket, sys, threading
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    sock.recv(1000)
    sock.sendall(b"a LOGIN %s x\\r\\n" % sys.argv[2].encode())
    sock.recv(1000)
    payload = eval(sys.argv[3])

    def drain():
        while sock.recv(1 << 20):
            pass

    threading.Thread(target=drain, daemon=True).start()
    print("flooding", flush=True)
    try:
        while True:
            sock.sendall(payload)
    except OSError:
        pass
""")


@pytest.mark.parametrize(
    "payload",
    [
        'b"a NOOP\\r\\n" * 5000',
        # octets are there whenever the server asks for more: it never waits for this client
        '(b"a BOGUS {131072+}\\r\\n" + b"x" * 131072 + b"\\r\\n") * 8',
        '(b"a ID (\\"n\\" {1000+}\\r\\n" + b"x" * 1000 + b")\\r\\n") * 400',
        'b"a SELECT {1000000+}\\r\\n" + b"x" * 1000000 + b"\\r\\n"',
        'b"x" * 1_000_000 + b"\\r\\n"',
    ],
)
def test_a_client_that_never_stops_sending_does_not_keep_the_others_waiting(serve, payload):
    server = serve(max_bad=10_000_000)
    process = subprocess.Popen(
        [sys.executable, "-c", FLOOD, str(server.port), new_user(), payload], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            eventually(lambda: len(server.server.connections()) == 1)
            gevent.get_hub().threadpool.apply(process.stdout.readline)
            with Neighbour(server) as neighbour:
                gevent.sleep(0.2)
        finally:
            process.kill()
    assert neighbour.stall_s < MAX_STALL_S
    assert neighbour.answers > 3
