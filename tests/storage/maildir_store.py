"""A Maildir store in a temporary directory, and the hands of the other programs that use it."""

import os
import time
from itertools import count

import gevent

from netimap.default_auth import DefaultAuth
from netimap.storage.maildir import MaildirModel

MESSAGE = b"From: joe@example.org\r\nSubject: %b\r\nDate: Mon, 7 Feb 2022 21:52:25 -0800\r\n\r\nHello\r\n"


def message(subject="hello", body=b""):
    """A small message with CRLF line ends."""
    return MESSAGE % subject.encode() + body


class Store:
    """Opens models of one store; `deliver`, `files` and the like are what other programs do."""

    def __init__(self, path):
        self.path = str(path)
        self.model_class = MaildirModel.at(self.path if "%u" in self.path else os.path.join(self.path, "%u"))
        self.models = []
        self._numbers = count(1)

    def login(self, user="joe"):
        auth = DefaultAuth()
        auth.user(user)
        model = self.model_class(auth=auth)
        self.models.append(model)
        return model

    def inbox(self, user="joe"):
        return self.login(user).lookup("INBOX")

    def close(self):
        for model in self.models:
            model.close()
        self.models.clear()

    def maildir(self, folder="", user="joe"):
        return os.path.join(self.path, user, folder).rstrip("/")

    def make_maildir(self, folder="", user="joe"):
        for name in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.maildir(folder, user), name))

    def deliver(self, content=b"Subject: x\n\ntext\n", into="new", name=None, flags="", folder="", mtime=None):
        name = name or f"{1600000000 + next(self._numbers)}.M5P1.host"
        name += f":2,{flags}" if into == "cur" else ""
        temporary = os.path.join(self.maildir(folder), "tmp", name)
        with open(temporary, "wb") as file:
            file.write(content)
        if mtime is not None:
            os.utime(temporary, (mtime, mtime))
        os.rename(temporary, os.path.join(self.maildir(folder), into, name))
        return name

    def files(self, subdirectory="cur", folder=""):
        return sorted(os.listdir(os.path.join(self.maildir(folder), subdirectory)))

    def rename(self, old, new, folder=""):
        os.rename(os.path.join(self.maildir(folder), old), os.path.join(self.maildir(folder), new))

    def age(self, folder=""):
        """Let the last change of the Maildir lie an hour back."""
        then = time.time() - 3600
        for name in ("new", "cur"):
            os.utime(os.path.join(self.maildir(folder), name), (then, then))


def eventually(condition, seconds=5.0):
    """Wait until something that happens in the background has happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        gevent.sleep(0.001)
