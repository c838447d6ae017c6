#!/usr/bin/env python3
"""The smallest server of use: whoever knows the password finds one message in INBOX.

    python examples/trivial.py [PORT]
    curl 'imap://you:secret@127.0.0.1:1430/INBOX;MAILINDEX=1'

Three methods make a plugin: `auth_plain` checks a password, `load_data` fills a mailbox, `build` gives a user his
mailboxes. Flags, SEARCH, IDLE and the rest come from netimap.
"""

import sys

from netimap import DefaultAuth, DefaultModel, Mailbox, Message, Server

HELLO = """\
From: The server <server@example.org>
To: Everyone <everyone@example.org>
Subject: Hello
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-ID: <hello@example.org>

Hello, world.
"""


class Auth(DefaultAuth):
    def auth_plain(self, user, password):
        return password == "secret"


class Inbox(Mailbox):
    def load_data(self):
        self.add_message(Message(HELLO).load(internaldate="01-Jan-2026 12:00:00 +0000"))


class Model(DefaultModel):
    def build(self, root):
        # The message never changes, so clients may keep what they know of it over restarts: the UIDs stay valid.
        root.add_child(Inbox(name="INBOX", uidvalidity=1))


if __name__ == "__main__":
    port = sys.argv[1] if len(sys.argv) > 1 else 1430
    Server(port=port, auth_class=Auth, model_class=Model, server_cert=None, allow_plaintext_login=True).run()
