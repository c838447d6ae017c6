"""STORE .SILENT where the store waits for its disk: what others change meanwhile is news (RFC 3501 6.4.6)."""

import gevent

from netimap import DefaultModel, Mailbox, Message
from netimap.testing import RunningServer


class Waiting(Mailbox):
    def load_data(self):
        self.add_message(Message("Subject: one\n\n"))

    def store_flags(self, uids, what, flags):
        gevent.sleep(0.02)
        return super().store_flags(uids, what, flags)


class Model(DefaultModel):
    def build(self, root):
        root.add_child(Waiting(name="INBOX"))


def test_two_sessions_store_at_the_same_time_in_silence():
    with RunningServer(model_class=Model) as server:
        one, two = server.connect("ann"), server.connect("ann")
        for client in (one, two):
            client.ok("SELECT INBOX")
        one.send(b"a STORE 1 +FLAGS.SILENT (\\Seen)\r\n")
        two.send(b"b STORE 1 +FLAGS.SILENT (\\Flagged)\r\n")
        told = [client.result(tag).untagged + client.ok("NOOP").untagged for client, tag in ((one, "a"), (two, "b"))]
        for lines in told:
            flags = b" ".join(line for line in lines if b"FETCH" in line)
            assert b"\\Seen" in flags
            assert b"\\Flagged" in flags


def test_ones_own_change_is_not_told():
    with RunningServer(model_class=Model) as server:
        client = server.connect("ben")
        client.ok("SELECT INBOX")
        result = client.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        assert not [line for line in result.untagged + client.ok("NOOP").untagged if b"FETCH" in line]
