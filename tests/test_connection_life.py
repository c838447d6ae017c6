"""netimap.connection through time: polls, IDLE, timers, the end (PERL-API.md, Connection)."""

import time

import gevent
import pytest
from gevent.event import Event
from serving import (  # noqa: F401
    RAW,
    eventually,
    fill,
    new_user,
    no_errors,
    serve,
    the_connection,
    with_command,
)

from netimap import Bye, Connection, DefaultModel, Mailbox, Message
from netimap.exceptions import ClientGone


@pytest.fixture
def server(serve):  # noqa: F811
    return serve()


# --- poll ---


class Polled(Mailbox):
    polls = 0

    def poll(self):
        self.polls += 1


class PolledModel(DefaultModel):
    def init(self):
        self.root(Polled())
        self.root().add_child(name="INBOX")


@pytest.mark.parametrize(("poll_every", "polls"), [(0, 4), (1000, 1)])
def test_polls_after_every_command_or_from_time_to_time(serve, poll_every, polls):  # noqa: F811
    server = serve(model_class=PolledModel, poll_every=poll_every)
    client = server.connect("x")
    before = time.time()
    client.ok("SELECT INBOX")
    connection = the_connection(server)
    assert connection.last_poll() >= before
    for _ in range(3):
        client.ok("NOOP")
    assert connection.selected().polls == polls
    connection.force_poll()
    client.ok("NOOP")
    assert connection.selected().polls == polls + 1


def test_send_untagged_can_leave_the_expunges_for_later(server):
    told = []

    def run(command):
        command.connection().send_untagged(expunged=not told)
        told.append(1)
        command.connection().out(f"{command.command_id().decode()} OK")

    with_command(server, run)
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    fill(one, 2)
    one.ok("SELECT INBOX")
    two.ok("SELECT INBOX")
    told.append(1)
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    one.ok("EXPUNGE")
    fill(one, 1)
    two.send("a XRUN\r\n")
    assert two.line() == b"* 3 EXISTS"
    two._until_tagged([])
    told.clear()
    two.send("b XRUN\r\n")
    assert two.line() == b"* 1 EXPUNGE"


def test_changes_told_by_a_uid_command_come_with_the_uid(server):
    # RFC 3501 6.4.8
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    fill(one, 2)
    one.ok("SELECT INBOX")
    two.ok("SELECT INBOX")
    one.ok("STORE 1 +FLAGS (\\Seen)")
    assert two.ok("UID FETCH 1001 UID").of("FETCH") == [
        b"* 2 FETCH (UID 1001)", b"* 1 FETCH (UID 1000 FLAGS (\\Seen))",
    ]  # fmt: skip
    one.ok("STORE 1 -FLAGS (\\Seen)")
    assert two.ok("NOOP").of("FETCH") == [b"* 1 FETCH (FLAGS ())"]


def test_send_untagged_may_be_overridden_with_the_original_s_arguments(serve):  # noqa: F811
    class Mine(Connection):
        def send_untagged(self, expunged=True):
            self.untagged_response("OK telling")
            super().send_untagged(expunged)

    client = serve(connection_class=Mine).connect(new_user())
    client.ok("SELECT INBOX")
    for command in ("NOOP", "UID FETCH 1:* FLAGS", "FETCH 1:* FLAGS", "UID SEARCH ALL"):
        assert b"* OK telling" in client.ok(command).untagged


# --- IDLE ---


def test_an_idling_client_is_told_by_itself(server):
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    one.ok("SELECT INBOX")
    one.idle()
    fill(two, 1)
    assert one.line() == b"* 1 EXISTS"
    assert one.line() == b"* 1 RECENT"
    two.ok("SELECT INBOX")
    two.ok("STORE 1 +FLAGS (\\Deleted)")
    assert one.line() == b"* 1 FETCH (FLAGS (\\Deleted \\Recent))"
    two.ok("EXPUNGE")
    assert one.line() == b"* 1 EXPUNGE"
    assert one.done().untagged == []


def test_what_is_new_is_told_when_idle_begins(server):
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    one.ok("SELECT INBOX")
    fill(two, 1)
    one.idle()
    assert one.line() == b"* 1 EXISTS"


def test_after_idle_nothing_comes_by_itself(server):
    user = new_user()
    one, two = server.connect(user), server.connect(user)
    one.ok("SELECT INBOX")
    one.idle()
    one.done()
    fill(two, 1)
    assert one.unread() == b""
    assert one.ok("NOOP").of("EXISTS") == [b"* 1 EXISTS"]


def test_a_mailbox_is_polled_while_a_client_idles(serve):  # noqa: F811
    class Growing(Mailbox):
        def poll(self):
            if not self.exists():
                self.add_message(Message(RAW))

    class Model(DefaultModel):
        box = None

        def init(self):
            self.root(Growing())
            Model.box = self.root().add_child(name="INBOX")

    server = serve(model_class=Model, idle_poll=0.01)
    client = server.connect("x")
    client.ok("SELECT INBOX")
    Model.box.expunge_uids(list(Model.box.uid_column()))
    client.ok("NOOP")
    Model.box.expunge_uids(list(Model.box.uid_column()))
    client.idle()
    lines = [client.line() for _ in range(2)]
    assert lines[0].endswith((b"EXPUNGE", b"EXISTS"))
    client.done()
    eventually(lambda: not server.server._idling)


def test_a_poll_that_fails_does_not_end_idle(serve, no_errors):  # noqa: F811
    class Sick(Mailbox):
        def poll(self):
            if len(self.views) and self.views[0].wake:
                raise RuntimeError("sick")

    class Model(DefaultModel):
        def init(self):
            self.root(Sick())
            self.root().add_child(name="INBOX")

    server = serve(model_class=Model, idle_poll=0.01, poll_every=1000)
    client = server.connect("x")
    client.ok("SELECT INBOX")
    client.idle()
    eventually(lambda: len(no_errors.found) > 1)
    assert "polling INBOX failed" in no_errors.take()[0]
    client.done()
    no_errors.take()


def test_idle_that_fails_has_not_begun(serve, no_errors):  # noqa: F811
    class Sick(Mailbox):
        def poll(self):
            if self.views and self.views[0].wake is not None:
                raise RuntimeError("sick")

    class Model(DefaultModel):
        mailbox_class = Sick

    server = serve(model_class=Model)
    client = server.connect(new_user())
    client.ok("SELECT INBOX")
    client.send("a IDLE\r\n")
    assert client.line() == b"+ idling"
    assert client.line() == b"a NO Server error"
    no_errors.take()
    (connection,) = server.server.connections()
    assert (connection.pending(), connection.view().wake, server.server._idling) == (None, None, set())
    client.ok("NOOP")


def test_telling_an_idling_client_does_not_poll(serve):  # noqa: F811
    # a poll may wait; it would then tell EXPUNGE while the next command uses numbers (RFC 3501 7.4.1)
    server = serve(model_class=PolledModel, idle_poll=1000)
    client = server.connect("x")
    client.ok("SELECT INBOX")
    client.idle()
    inbox = the_connection(server).selected()
    polls = inbox.polls
    inbox.add_message(Message(RAW))
    assert client.line() == b"* 1 EXISTS"
    assert inbox.polls == polls


# --- timers ---


def test_a_silent_client_is_told_and_closed(serve):  # noqa: F811
    client = serve(unauth_idle=0.03).connect()
    assert client.rest() == [b"* BYE Too slow to log in"]
    client = serve(auth_idle=0.03).connect("x")
    assert client.rest() == [b"* BYE Idle for too long"]


def test_a_client_that_talks_is_not(serve):  # noqa: F811
    server = serve(auth_idle=0.4)
    client = server.connect("x")
    begun = time.monotonic()
    while time.monotonic() - begun < 0.6:
        client.ok("NOOP")
        gevent.sleep(0.02)


def test_a_long_command_is_not_interrupted(serve):  # noqa: F811
    server = serve(auth_idle=0.03)

    def run(command):
        gevent.sleep(0.1)
        command.ok_completed()

    with_command(server, run)
    client = server.connect("x")
    client.ok("XRUN")
    assert client.rest() == [b"* BYE Idle for too long"]


def test_the_timer_does_not_keep_a_connection_alive(server):
    import gc
    import weakref

    client = server.connect("x")
    connection = weakref.ref(the_connection(server))
    assert connection().timer() is not None
    client.close()
    eventually(lambda: not server.server.connections())
    gevent.sleep(0.001)
    gc.collect()
    assert connection() is None


# --- stop and close ---


def test_stop_waits_for_a_running_command(server):
    go_on = Event()

    def run(command):
        go_on.wait()
        command.ok_completed()

    with_command(server, run)
    client = server.connect()
    client.send("a XRUN\r\nb NOOP\r\n")
    gevent.sleep(0.005)
    the_connection(server).stop(Bye("Going down"))
    gevent.sleep(0.005)
    go_on.set()
    assert client.rest() == [b"a OK XRUN COMPLETED", b"* BYE Going down"]


def test_stop_reaches_a_waiting_client_at_once(server):
    for before in (lambda client: None, lambda client: client.idle(), lambda client: client.send("a NOOP {5}\r\n")):
        client = server.connect("x")
        before(client)
        gevent.sleep(0.005)
        the_connection(server).stop(Bye("Going down"))
        assert client.rest()[-1] == b"* BYE Going down"
        eventually(lambda: not server.server.connections())


def test_close_twice_is_harmless(server):
    client = server.connect("x")
    client.ok("SELECT INBOX")
    connection = the_connection(server)
    connection.close()
    connection.close()
    assert connection.is_closed()
    assert server.server.connections() == []
    assert connection.selected() is None
    assert client.rest() == []


def test_close_lets_everything_go_whatever_fails(serve, no_errors):  # noqa: F811
    class Sick(Mailbox):
        def close(self):
            raise RuntimeError("mailbox")

    class Model(DefaultModel):
        mailbox_class = Sick
        closed = 0

        def close(self):
            Model.closed += 1
            raise RuntimeError("model")

    server = serve(model_class=Model)
    client = server.connect("x")
    client.ok("SELECT INBOX")
    inbox = the_connection(server).selected()
    client.close()
    eventually(lambda: not server.server.connections())
    assert Model.closed == 1
    assert inbox.views == []
    assert "RuntimeError" in no_errors.take()[0]


def test_a_connection_may_be_closed_by_others_while_a_command_runs(server):
    go_on = Event()

    def run(command):
        mailbox = command.view().mailbox
        go_on.wait()
        # the session's hold on the expunged message is gone
        mailbox.columns([1000], ["flags"])
        command.ok_completed()

    with_command(server, run)
    client, other = server.connect("kicked"), server.connect("kicked")
    fill(other, 1)
    client.ok("SELECT INBOX")
    client.send("a XRUN\r\n")
    gevent.sleep(0.005)
    (connection,) = [one for one in server.server.connections() if one.is_selected()]
    other.ok("SELECT INBOX")
    mailbox = connection.selected()
    mailbox.expunge_uids([1000])
    connection.close()
    other.close()
    eventually(lambda: not mailbox.views)
    go_on.set()
    assert client.rest() == []
    eventually(lambda: not server.server.connections())


def test_out_raises_when_the_client_is_lost(server):
    client = server.connect("x")
    connection = the_connection(server)
    client.close()
    eventually(connection.is_closed)
    with pytest.raises(ClientGone):
        connection.out("* OK " + "x" * 70_000)
