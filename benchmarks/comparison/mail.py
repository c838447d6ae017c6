"""The mail that every server gets: made up, the same in each run."""

import base64
import os
import random
import time
from pathlib import Path

#: a word in one subject of fifty, and one in one body of fifty, to be searched for
SUBJECT_WORD, BODY_WORD = "marzipan", "pelican"
EVERY = 50
#: messages of one in ten are unseen
UNSEEN_EVERY = 10

_TEXT = """
    agenda annual answer archive board budget build change client contract copy customer deadline delivery design draft
    error estimate feature final invoice issue launch letter list meeting minutes notes office order package payment
    plan price project proposal question release report request review sample schedule server summary support task team
    ticket travel update version visit week and for from in is of on the this to we will with you
"""
_WORDS = _TEXT.split()
_PEOPLE = ("Ada Lang", "Ben Ortiz", "Cleo Marsh", "Dan Weiss", "Eva Horn", "Finn Okoro", "Gus Petit", "Ines Sato")
_HOSTS = ("example.org", "example.net", "mail.example", "lists.example")
_START = 1_700_000_000


def messages(count):
    """`count` messages with CRLF line ends: plain text, alternatives, attachments, forwarded ones; 8 kB on average."""
    return [_message(random.Random(number), number) for number in range(count)]


def small_messages(count):
    """`count` messages of some 300 octets."""
    return [
        b"".join(f"{line}\r\n".encode() for line in (*_header(random.Random(number), number)[-5:], "", "Short.", ""))
        for number in range(count)
    ]


def is_seen(number):
    """Whether a message of a mailbox has \\Seen at the beginning."""
    return number % UNSEEN_EVERY != 0


def write_maildir(path, octets):
    """Write messages into a new Maildir, as an MTA and a client leave them: LF line ends, flags in the name."""
    path = Path(path)
    for name in ("tmp", "new", "cur"):
        os.makedirs(path / name, exist_ok=True)
    (path / "maildirfolder").touch()
    for number, message in enumerate(octets):
        file = path / "cur" / f"{_START + number}.M{number}P1.bench:2,{'S' if is_seen(number) else ''}"
        file.write_bytes(message.replace(b"\r\n", b"\n"))
        os.utime(file, (_START + number,) * 2)


def _message(rng, number):
    header = _header(rng, number)
    size = min(60_000, int(rng.lognormvariate(8.3, 0.9)))
    word = f"The {BODY_WORD} was seen again.\r\n" if number % EVERY == 1 else ""
    kind = rng.choices(("plain", "alternative", "attachment", "forwarded"), (35, 40, 18, 7))[0]
    boundary = f"----=_Part_{rng.getrandbits(48):012x}"
    if kind == "plain":
        header.append("Content-Type: text/plain; charset=utf-8")
        return _joined(header, word + _text(rng, size))
    text = _part("text/plain; charset=utf-8", "7bit", word + _text(rng, min(size // 3, 4000)))
    if kind == "alternative":
        html = "".join(f"<p>{line}</p>\r\n" for line in _text(rng, size).split("\r\n"))
        parts = [text, _part("text/html; charset=utf-8", "7bit", f"<html><body>\r\n{html}</body></html>\r\n")]
    elif kind == "attachment":
        data = base64.encodebytes(rng.randbytes(2 * size)).decode().replace("\n", "\r\n")
        parts = [text, _part('application/pdf; name="report.pdf"', "base64", data)]
    else:
        inner = [*_header(rng, number + 1_000_000), "Content-Type: text/plain; charset=us-ascii"]
        parts = [text, "Content-Type: message/rfc822\r\n\r\n" + _joined(inner, _text(rng, size)).decode()]
    subtype = "alternative" if kind == "alternative" else "mixed"
    header.append(f'Content-Type: multipart/{subtype};\r\n\tboundary="{boundary}"')
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return _joined(header, f"{body}--{boundary}--\r\n")


def _header(rng, number):
    """The lines of a header as it arrives, without those on the content; the last five are a small message's."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(_START + number))
    lines = [f"Return-Path: <{_address(rng)}>"]
    for hop in range(rng.randint(2, 4)):
        lines.append(
            f"Received: from mx{hop}.{rng.choice(_HOSTS)} ([192.0.2.{hop}])\r\n\tby in.example.org with ESMTPS"
            f" id {rng.getrandbits(48):012X}\r\n\tfor <bench@example.org>; {date}"
        )
    signature = base64.b64encode(rng.randbytes(128)).decode()
    lines.append(
        f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=mail;\r\n\tb={signature[:70]}\r\n\t{signature[70:]}"
    )
    recipients = [f"{rng.choice(_PEOPLE)} <{_address(rng)}>" for _ in range(rng.choice((1, 1, 2, 4)))]
    subject = " ".join(rng.choices(_WORDS, k=rng.randint(3, 8))).capitalize()
    if number % 10 == 5:
        subject = f"=?utf-8?B?{base64.b64encode(('Überblick: ' + subject[:24]).encode()).decode()}?="
    if number % EVERY == 0:
        subject = f"The {SUBJECT_WORD} report"
    if rng.random() < 0.4:
        lines.append(f"References: <{rng.getrandbits(60):x}@example.org>\r\n\t<{rng.getrandbits(60):x}@example.net>")
    return [
        *lines,
        "MIME-Version: 1.0",
        f'From: "{rng.choice(_PEOPLE)}" <{_address(rng)}>',
        "To: " + ",\r\n\t".join(recipients),
        f"Subject: {subject}",
        f"Date: {date}",
        f"Message-ID: <{rng.getrandbits(60):x}.{number}@example.org>",
    ]


def _address(rng):
    return f"{rng.choice(_WORDS)}.{rng.randrange(1000)}@{rng.choice(_HOSTS)}"


def _text(rng, size):
    lines = []
    while size > 0:
        lines.append(" ".join(rng.choices(_WORDS, k=11)))
        size -= len(lines[-1]) + 2
    return "\r\n".join(lines) + "\r\n"


def _part(content_type, encoding, text):
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}"


def _joined(header, body):
    return ("\r\n".join(header) + "\r\n\r\n" + body).encode()
