"""mutt, driven by the keys that a macro would push, in a terminal that nobody looks at."""

import os
import pty
import selectors
import subprocess
import time

from imapclient import IMAPClient
from mail_samples import SAMPLES, differing, simple
from operated import HOST, PATIENCE_S, program

_CONFIGURATION = """\
set imap_user="{user}" imap_pass="{password}"
set folder="imaps://localhost:{port}/" spoolfile="imaps://localhost:{port}/INBOX"
set certificate_file="{cert}" ssl_verify_host=yes ssl_verify_dates=yes
set confirmappend=no confirmcreate=no delete=yes quit=yes move=no mark_old=no mbox_type=Maildir
set pipe_decode=no wait_key=no abort_unmodified=no sleep_time=0 header_cache="" sort=mailbox-order
"""


def run_mutt(account, tmp_path, keys):
    """Start mutt on INBOX of `account` and push `keys`, which have to end it."""
    path = program("mutt", "mutt")
    server = account.server
    (tmp_path / "muttrc").write_text(
        _CONFIGURATION.format(user=account.name, password=account.password, port=server.ssl_port, cert=server.cert)
    )
    controller, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [path, "-n", "-F", tmp_path / "muttrc", "-e", f"push '{keys}'"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            # a session of its own: mutt must not reach for the terminal of the tests
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8"},
        )
        os.close(terminal)
        screen = _screen_until_end(process, controller)
    finally:
        os.close(controller)
    assert process.returncode == 0, screen[-3000:].decode(errors="replace")


def _screen_until_end(process, controller):
    """What mutt writes on its screen until it ends: someone has to take it."""
    deadline = time.monotonic() + PATIENCE_S
    screen = b""
    with selectors.DefaultSelector() as selector:
        selector.register(controller, selectors.EVENT_READ)
        while selector.select(deadline - time.monotonic()):
            try:
                octets = os.read(controller, 65536)
            except OSError:  # the other side of a terminal is closed: Linux says EIO
                octets = b""
            if not octets:
                process.wait(PATIENCE_S)
                return screen
            screen += octets
    process.kill()
    process.wait()
    raise AssertionError("mutt waits for something:\n" + screen[-3000:].decode(errors="replace"))


def test_read_flag_copy_and_delete(account, tmp_path):
    server = account.server
    names = ("utf-8", "attachment", "dots")
    with IMAPClient(HOST, server.ssl_port, ssl_context=server.context(), timeout=PATIENCE_S) as client:
        client.login(account.name, account.password)
        for name in names:
            client.append("INBOX", SAMPLES[name])
        client.append("INBOX", simple("goes"))
        keys = [f"{number}<enter><pipe-message>cat > {tmp_path}/{name}<enter>" for number, name in enumerate(names, 1)]
        keys += ["1<enter><flag-message>", "2<enter><copy-message>=Archive/Entwürfe<enter>", "4<enter><delete-message>"]
        run_mutt(account, tmp_path, "".join([*keys, "<sync-mailbox><quit>"]))
        found = [(tmp_path / name).read_bytes().replace(b"\n", b"\r\n") for name in names]
        assert differing({name: SAMPLES[name] for name in names}, found) == []
        client.select_folder("INBOX", readonly=True)
        items = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"]).values()
        assert differing({name: SAMPLES[name] for name in names}, [item[b"BODY[]"] for item in items]) == []
        assert rb"\Flagged" in next(iter(items))[b"FLAGS"]
        client.select_folder("Archive/Entwürfe", readonly=True)
        copied = client.fetch(client.search(), ["BODY.PEEK[]"]).values()
        assert [item[b"BODY[]"] for item in copied] == [SAMPLES["attachment"]]
