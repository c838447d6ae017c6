"""A process that changes a Maildir store until it is killed, and says on standard output what it did.

`maildir_crashing.py PATH NUMBER`: two sessions of one user, each with a mailbox of its own. Each change is announced
as `begin WHO JSON` before and `done WHO JSON` after it was acknowledged.
"""

import json
import os
import random
import sys

import gevent

from netimap.default_auth import DefaultAuth
from netimap.storage.maildir import MaildirModel


def say(word, who, what):
    os.write(1, f"{word} {who} {json.dumps(what)}\n".encode())


def content(subject, lines):
    """A message that tells whether it is whole."""
    return f"Subject: {subject}\r\nX-Lines: {lines}\r\n\r\n".encode() + b"text\r\n" * lines


def session(model, who, chance):
    """Change the mailbox called `who` for ever; what it holds is in the index, so restarts go on with it."""
    mailbox = model.lookup(who)
    while True:
        uids = list(mailbox.uid_column())
        some = sorted(chance.sample(uids, min(len(uids), 4)))
        action = chance.choice(["append", "append", "append", "store", "copy", "expunge"])
        if action == "append" or not some:
            subject, lines = f"{who} {chance.random()}", chance.randrange(3000)
            say("begin", who, ["append", subject, lines])
            stored = mailbox.append_message(content(subject, lines), ["\\Seen"])
            say("done", who, ["append", stored.uid(), subject, lines])
        elif action == "store":
            flags = sorted(chance.sample(["\\Seen", "\\Flagged", "kw"], chance.randrange(3)))
            say("begin", who, ["store", some, flags])
            mailbox.store_flags(some, "FLAGS", flags)
            say("done", who, ["store", some, flags])
        elif action == "copy":
            say("begin", who, ["copy", some])
            say("done", who, ["copy", some, mailbox.copy_messages(some, mailbox)])
        else:
            say("begin", who, ["expunge", some])
            mailbox.expunge_uids(some)
            say("done", who, ["expunge", some])


def main(path, number):
    auth = DefaultAuth()
    auth.user("joe")
    model = MaildirModel.at(os.path.join(path, "%u"))(auth=auth)
    for name in "ab":
        if model.lookup(name) is None:
            model.root().create(name=name)
    say("ready", "-", None)
    gevent.joinall([gevent.spawn(session, model, who, random.Random(f"{number}{who}")) for who in "ab"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
