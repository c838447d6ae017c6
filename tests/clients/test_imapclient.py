"""IMAPClient: parsed responses, non-ASCII mailbox names, IDLE, UNSELECT, NAMESPACE, ID."""

import contextlib
import datetime
import time

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError
from mail_samples import SAMPLES, simple
from operated import HOST, PATIENCE_S

#: seconds within which a client in IDLE has to hear of what happened
HEARD_WITHIN_S = 2.0
NAMES = ("Entwürfe", "日本語/メール", "R&D", "a \"quoted\" 'name'", "back\\slash", "🎈", "100% *", "&AC8-", "~dots.")


@pytest.fixture
def connect(account):
    """`connect()`: a new client of the user, logged in."""
    with contextlib.ExitStack() as clients:
        yield lambda: clients.enter_context(session_of(account))


@contextlib.contextmanager
def session_of(account):
    with new_client(account) as client:
        client.login(account.name, account.password)
        yield client


def new_client(account, **options):
    server = account.server
    return IMAPClient(HOST, server.ssl_port, ssl_context=server.context(), timeout=PATIENCE_S, **options)


def heard_in_idle(client, wanted):
    """Wait until the server tells an idling client `wanted`; all that it told."""
    deadline = time.monotonic() + HEARD_WITHIN_S
    told = []
    while wanted not in told:
        left = deadline - time.monotonic()
        assert left > 0, told
        told += client.idle_check(timeout=left)
    return told


def test_starttls_and_wrong_password(account):
    with IMAPClient(HOST, account.server.port, ssl=False, timeout=PATIENCE_S) as client:
        client.starttls(account.server.context())
        with pytest.raises(LoginError, match="Invalid login"):
            client.login(account.name, "wrong")
        client.login(account.name, account.password)


def test_select_fetch_and_parsed_structures(connect):
    client = connect()
    when = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)
    client.append("INBOX", SAMPLES["attachment"], [rb"\Flagged"], when)
    selected = client.select_folder("INBOX")
    assert selected[b"EXISTS"] == 1
    assert rb"\Seen" in selected[b"PERMANENTFLAGS"]
    (uid,) = client.search()
    assert uid == selected[b"UIDNEXT"] - 1
    wanted = ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[1]"]
    items = client.fetch(uid, wanted)[uid]
    assert items[b"ENVELOPE"].subject == b"attachment"
    assert str(items[b"ENVELOPE"].from_[0]) == "Anna Schmidt <anna@example.org>"
    parts, subtype = items[b"BODYSTRUCTURE"][:2]
    assert subtype == b"mixed"
    assert [part[:2] for part in parts] == [(b"text", b"plain"), (b"application", b"octet-stream")]
    assert items[b"RFC822.SIZE"] == len(SAMPLES["attachment"])
    assert items[b"INTERNALDATE"].timestamp() == when.timestamp()
    assert items[b"BODY[1]"] == b"See below."
    assert rb"\Seen" not in items[b"FLAGS"]
    # RFC 3501 6.4.5: BODY[…] without PEEK sets \Seen
    assert client.fetch(uid, ["BODY[2.MIME]", "FLAGS"])[uid][b"BODY[2.MIME]"].startswith(b"Content-Type: app")
    assert rb"\Seen" in client.get_flags(uid)[uid]


def test_partial_fetches_put_together_are_the_message(connect):
    client, message, step = connect(), SAMPLES["megabyte"], 200_000
    client.append("INBOX", message)
    client.select_folder("INBOX")
    (uid,) = client.search()
    pieces = [
        client.fetch(uid, [f"BODY.PEEK[]<{start}.{step}>"])[uid][f"BODY[]<{start}>".encode()]
        for start in range(0, len(message) + step, step)
    ]
    assert b"".join(pieces) == message


def test_flags_keywords_copy_and_expunge(connect):
    client = connect()
    for name in ("one", "two", "three"):
        client.append("INBOX", simple(name))
    client.create_folder("Archive")
    client.select_folder("INBOX")
    first, second, third = client.search()
    assert client.add_flags([first, third], [rb"\Flagged", b"$Forwarded"]).keys() == {first, third}
    client.remove_flags(third, [rb"\Flagged"])
    client.set_flags(second, [rb"\Answered"])
    client.copy([first, third], "Archive")
    client.delete_messages(first)
    client.expunge()
    assert client.search() == [second, third]
    client.unselect_folder()
    client.select_folder("Archive", readonly=True)
    copied = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"]).values()
    flags = [set(items[b"FLAGS"]) - {rb"\Recent"} for items in copied]
    assert flags == [{rb"\Flagged", b"$Forwarded"}, {b"$Forwarded"}]
    assert [items[b"BODY[]"] for items in copied] == [simple("one"), simple("three")]


def test_uidplus(connect):
    # RFC 4315
    client = connect()
    answer = client.append("INBOX", simple("one")).decode()
    client.append("INBOX", simple("two"), [rb"\Deleted"])
    selected = client.select_folder("INBOX")
    first, second = client.search()
    assert f"[APPENDUID {selected[b'UIDVALIDITY']} {first}]" in answer
    client.add_flags(first, [rb"\Deleted"])
    client.uid_expunge([second])
    assert client.search() == [first]


def test_search(connect):
    client = connect()
    for name, flags in (("plain", []), ("utf-8", [rb"\Seen"]), ("latin-1", [rb"\Flagged"]), ("attachment", [])):
        client.append("INBOX", SAMPLES[name], flags)
    client.select_folder("INBOX")
    plain, utf_8, latin_1, attachment = client.search()
    assert client.search("UNSEEN") == [plain, latin_1, attachment]
    assert client.search(["SUBJECT", "grüße 日本"], "UTF-8") == [utf_8]
    assert client.search(["BODY", "köln"], "UTF-8") == [latin_1]
    assert client.search(["TEXT", "see below"]) == [attachment]
    assert client.search(["OR", "FLAGGED", ["NOT", ["LARGER", 1000, "UNSEEN"]], "HEADER", "MIME-Version", "1"]) == [
        plain, utf_8, latin_1,
    ]  # fmt: skip
    assert client.search(["UID", f"{utf_8}:{latin_1}", "SENTSINCE", datetime.date(2025, 12, 31)]) == [utf_8, latin_1]
    assert client.search(["SUBJECT", "nothing like that"]) == []


def test_mailbox_names(connect):
    client = connect()
    for name in NAMES:
        client.create_folder(name)
        with pytest.raises(IMAPClientError):
            client.create_folder(name)
        assert name in [found for _, _, found in client.list_folders()]
    for name in NAMES:
        _use_mailbox(client, name)


def _use_mailbox(client, name):
    client.append(name, simple("a"))
    assert client.folder_status(name, ["MESSAGES"]) == {b"MESSAGES": 1}
    assert client.select_folder(name)[b"EXISTS"] == 1
    client.subscribe_folder(name)
    assert name in [found for _, _, found in client.list_sub_folders()]
    client.close_folder()
    client.rename_folder(name, name + " 2")
    names = [found for _, _, found in client.list_folders()]
    assert name not in names
    assert name + " 2" in names
    client.delete_folder(name + " 2")
    assert not client.folder_exists(name + " 2")


def test_idle(connect):
    idling, other = connect(), connect()
    other.append("INBOX", simple("a"))
    idling.select_folder("INBOX")
    other.select_folder("INBOX")
    idling.idle()
    other.append("INBOX", simple("b"))
    heard_in_idle(idling, (2, b"EXISTS"))
    other.add_flags(other.search(), [rb"\Deleted"], silent=True)
    other.expunge()
    told = heard_in_idle(idling, (1, b"EXPUNGE"))
    assert [number for number, kind, *_ in told if kind == b"EXISTS"] == []
    idling.idle_done()
    assert idling.search() == []


def test_namespace_id_and_capabilities(connect):
    client = connect()
    assert client.namespace().personal == (("", "/"),)
    name = dict(zip(*[iter(client.id_({"name": "test"})[0])] * 2, strict=True))[b"name"]
    assert name == b"netimap"
    assert {b"IDLE", b"UNSELECT", b"LITERAL+"} <= set(client.capabilities())
