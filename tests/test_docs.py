"""The documentation is true: its code runs, its links lead somewhere, its tables agree with the tree."""

import base64
import re
import sys
import types
from pathlib import Path

import pytest

import netimap
from netimap.testing import RunningServer

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").glob("*.rst")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
PACKAGE = ROOT / "netimap"


def code_blocks(page, language="python"):
    """The code blocks of a page, without their indentation."""
    lines = (ROOT / page).read_text().split("\n")
    blocks = []
    for start, line in enumerate(lines):
        if line.strip() != f".. code-block:: {language}":
            continue
        margin = len(line) - len(line.lstrip()) + 1
        block = []
        for inner in lines[start + 1 :]:
            if inner.strip() and len(inner) - len(inner.lstrip()) < margin:
                break
            block.append(inner)
        indent = min(len(inner) - len(inner.lstrip()) for inner in block if inner.strip())
        blocks.append("\n".join(inner[indent:] for inner in block).strip() + "\n")
    return blocks


def run(blocks, name="__docs__"):
    """Run code blocks one behind the other; returns what they defined."""
    namespace = {"__name__": name}
    for block in blocks:
        exec(compile(block, name, "exec"), namespace)
    return namespace


# --- README.rst ---


@pytest.fixture
def readme_server(monkeypatch):
    """The server that the README's plugin runs, on a free port."""
    servers = []
    monkeypatch.setattr(netimap.Server, "run", lambda server: servers.append(server))
    (block,) = code_blocks("README.rst")
    run([block])
    (server,) = servers
    server.port(0)
    server.start()
    yield server
    server.stop()


def test_the_plugin_of_the_readme_serves_its_message(readme_server):
    from netimap.testing import Client

    port = readme_server.addresses()[0][1]
    with Client("127.0.0.1", port) as one, Client("127.0.0.1", port) as two:
        for client in (one, two):
            client.login("you", "secret")
            assert b"* 1 EXISTS" in client.ok("SELECT INBOX").untagged
        assert one.ok("FETCH 1 BODY[]").fetched()[1]["BODY[]"] == b"Subject: Hello\r\n\r\nHello, world.\r\n"
        assert "\\Seen" in two.ok("NOOP").fetched()[1]["FLAGS"]
        assert two.ok("SEARCH SUBJECT hello SEEN").untagged == [b"* SEARCH 1"]


def test_the_first_screen_of_the_readme_has_the_plugin_and_how_to_run_it():
    screen = (ROOT / "README.rst").read_text().split("\n")[:45]
    for words in ("Server(auth_class=Auth", "make serve", "make test", "curl"):
        assert any(words in line for line in screen), words


def test_the_readme_names_the_commands_and_extensions_there_are():
    text = (ROOT / "README.rst").read_text()
    table = dict(re.findall(r"^(Commands|Extensions) +(.*(?:\n {12}.*)*)", text, re.MULTILINE))
    server = netimap.Server()
    assert table["Commands"].split() == sorted(server.command_class())
    extensions = table["Extensions"].partition(";")[0].split()
    assert sorted(extensions) == sorted(set(server.capability().split()) - {"IMAP4rev1", "STARTTLS"})


# --- code in the pages ---


@pytest.fixture(scope="module")
def plugins():
    """What the code of plugins.rst defines."""
    return run(code_blocks("docs/plugins.rst"))


def serve(plugins, auth="Auth", model="Model"):
    return RunningServer(auth_class=plugins[auth], model_class=plugins[model])


def test_the_three_methods(plugins):
    with serve(plugins) as server:
        assert server.connect().command("LOGIN ann daisy").answer == "NO Invalid login"
        client = server.connect("ann", "tulip")
        assert b"* 1 EXISTS" in client.ok("SELECT inbox").untagged
        names = [line.rpartition(b' "/" ')[2] for line in client.ok('LIST "" "*"').of("LIST")]
        assert names == [b'"INBOX"', b'"Archive"', b'"Archive/2026"']


def test_a_tree_for_each_user(plugins):
    with serve(plugins) as server:
        one, two, other = server.connect("ann", "tulip"), server.connect("ann", "tulip"), server.connect("ben", "daisy")
        for client in (one, two, other):
            client.ok("SELECT INBOX")
        one.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        assert "\\Flagged" in two.ok("NOOP").fetched()[1]["FLAGS"]
        assert other.ok("NOOP").fetched() == {}


def test_a_tree_for_everybody(plugins):
    with serve(plugins, model="Board") as server:
        one, other = server.connect("ann", "tulip"), server.connect("ben", "daisy")
        for client in (one, other):
            client.ok("SELECT INBOX")
        one.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
        assert "\\Flagged" in other.ok("NOOP").fetched()[1]["FLAGS"]


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([b"ann:token-of-ann"], "OK"),
        ([b"ann:token-of-ben"], "NO Invalid login"),
        ([b"ann"], "BAD Protocol failure"),
        ([b""], "BAD Protocol failure"),
    ],
)
def test_a_mechanism(plugins, messages, answer):
    with serve(plugins, auth="TokenAuth") as server:
        client = server.connect()
        assert b"AUTH=X-TOKEN" in client.ok("CAPABILITY").of("CAPABILITY")[0].split()
        client.send(b"a AUTHENTICATE X-TOKEN\r\n")
        assert client.line() == b"+ " + base64.b64encode(b"token, please")
        for message in messages:
            client.send(base64.b64encode(message) + b"\r\n")
        if messages == [b""]:
            # asked again
            client.line()
            client.send(base64.b64encode(b"nothing") + b"\r\n")
        assert client.result("a").answer.startswith(answer)


def with_inbox(plugins, inbox):
    """A model class with this one mailbox."""
    root = netimap.Mailbox()
    root.add_child(inbox)

    class Model(plugins["Model"]):
        def init(self):
            self.root(root)

    return RunningServer(auth_class=plugins["Auth"], model_class=Model, idle_poll=0.01)


def test_an_archive_that_takes_no_orders(plugins):
    inbox = plugins["Archive"](name="INBOX")
    inbox.add_child(name="2026")
    with with_inbox(plugins, inbox) as server:
        client = server.connect("ann", "tulip")
        assert client.ok("SELECT INBOX").code == "READ-ONLY"
        for command in ("CREATE INBOX/new", "DELETE INBOX/2026", "RENAME INBOX/2026 INBOX/2027"):
            assert client.command(command).code == "NOPERM", command
        assert client.command("APPEND INBOX ", b"Subject: x\r\n\r\n").code == "NOPERM"


def test_fields_are_there_in_load_data():
    class Named(netimap.Mailbox):
        def load_data(self):
            self.seen = (self.name(), self.full_path(), self.table)

    root = netimap.Mailbox()
    parent = root.add_child(Named(name="a", table=1))
    assert parent.seen == ("a", "a", 1)
    assert parent.add_child(name="b", table=2).seen == ("b", "a/b", 2)


def test_messages_made_when_read_and_a_poll(plugins):
    articles = plugins["ARTICLES"]
    with with_inbox(plugins, plugins["Articles"](name="INBOX")) as server:
        client = server.connect("ann", "tulip")
        client.ok("SELECT INBOX")
        assert client.ok("FETCH 2 BODY.PEEK[TEXT]").fetched()[2]["BODY[TEXT]"] == b"Text of two.\r\n"
        client.idle()
        articles[3] = b"Subject: Three\r\n\r\nText of three.\r\n"
        assert client.line() == b"* 3 EXISTS"
        client.done()
        client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        client.ok("EXPUNGE")
        assert sorted(articles) == [2, 3]


def test_a_command_of_a_plugin(plugins):
    with serve(plugins) as server:
        server.server.add_command("XCOUNT", plugins["Xcount"])
        client = server.connect()
        assert client.command("XCOUNT INBOX").answer == "BAD Log in first"
        client.login("ann", "tulip")
        assert b"XCOUNT" in client.ok("CAPABILITY").of("CAPABILITY")[0].split()
        assert client.ok("xcount ", b"INBOX").untagged == [b'* XCOUNT ("INBOX" 1)']
        assert client.ok("XCOUNT INBOX 1").status == "OK"
        assert client.command("XCOUNT INBOX 2").answer == "NO Too few"
        assert client.command("XCOUNT nothing").answer == "NO [NONEXISTENT] Mailbox does not exist"
        assert client.command("XCOUNT INBOX x").status == "BAD"
        assert client.command("XCOUNT INBOX 1 1").answer == "BAD Too many options"


def test_work_in_a_thread(plugins):
    import threading

    assert plugins["in_a_thread"](threading.get_ident) != threading.get_ident()


def test_the_test_of_the_page(plugins):
    plugins["test_news"]()


def test_the_ported_plugin(monkeypatch):
    database = types.ModuleType("tickets_db")
    tickets = [{"id": 1, "mail": "Subject: It does not work\n\nNot at all.\n"}]
    database.check = lambda user, password: password == "tulip"
    database.queues = lambda user: ["Printers"]
    database.since = lambda queue, last: [one for one in tickets if queue == "Printers" and one["id"] > last]
    database.close = lambda number: number == "1"
    monkeypatch.setitem(sys.modules, "tickets_db", database)
    (block,) = code_blocks("docs/porting.rst")
    ported = run([block])
    with RunningServer(auth_class=ported["Auth"], model_class=ported["Model"]) as server:
        server.server.add_command("XCLOSE", ported["Xclose"])
        assert server.connect().command("XCLOSE 1").answer == "BAD Log in first"
        client = server.connect("ann", "tulip")
        client.ok("SELECT Printers")
        tickets.append({"id": 2, "mail": "Subject: Paper\n\nNone.\n"})
        assert b"* 2 EXISTS" in client.ok("NOOP").untagged
        assert client.ok("XCLOSE 1").untagged == [b'* XCLOSE ("1" CLOSED)']
        assert client.command("XCLOSE 2").answer == "NO There is no such ticket"
        assert client.command("XCLOSE").answer == "BAD Not enough options"
        assert client.command("APPEND Printers ", b"Subject: x\r\n\r\n").code == "NOPERM"


# --- tables ---


def test_every_method_of_the_porting_page_exists():
    text = (ROOT / "docs" / "porting.rst").read_text().partition("Class by class")[2].partition("Not ported")[0]
    sections = re.findall(r"^netimap\.(\w+)\n~+\n(.*?)(?=^netimap\.|\Z)", text, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in sections] == [
        "Server", "Connection", "Command", "DefaultAuth", "DefaultModel", "Mailbox", "Message",
    ]  # fmt: skip
    for name, section in sections:
        cells = re.findall(r"^``([a-zA-Z_ ]+)``", section, re.MULTILINE)
        methods = [method for cell in cells for method in cell.split()]
        assert len(methods) >= 5
        missing = [method for method in methods if not callable(getattr(getattr(netimap, name), method, None))]
        assert not missing, (name, missing)


def rfc_rows():
    """(RFC, capabilities, status) of each row."""
    rows = []
    for row in re.split(r"^   \* - ", (ROOT / "docs" / "rfcs.rst").read_text(), flags=re.MULTILINE)[2:]:
        cells = [cell.strip() for cell in re.split(r"^     - ?", row, flags=re.MULTILINE)]
        assert len(cells) == 5, row
        rows.append((cells[0], set(filter(None, cells[2].split(", "))), cells[3]))
    return rows


def test_the_table_of_rfcs_agrees_with_what_is_announced():
    announced = set()
    with RunningServer(allow_plaintext_login=False) as server:
        for tls in (False, True):
            announced |= set(server.connect(tls=tls).ok("CAPABILITY").of("CAPABILITY")[0].decode().split()[2:])
        announced |= set(server.connect("ann", tls=True).ok("CAPABILITY").of("CAPABILITY")[0].decode().split()[2:])
    by_status = {"done": set(), "partial": set(), "no": set()}
    for _, capabilities, status in rfc_rows():
        by_status[status] |= capabilities
    assert announced == by_status["done"] | (by_status["partial"] & announced)
    assert not announced & by_status["no"]


def test_the_table_of_rfcs_has_each_once_and_each_that_the_source_cites():
    numbers = [number for number, _, _ in rfc_rows()]
    assert len(set(numbers)) == len(numbers)
    cited = {}
    for path in PACKAGE.rglob("*.py"):
        for number in re.findall(r"RFC (\d{3,5})", path.read_text()):
            cited.setdefault(number, path.relative_to(ROOT))
    # 822 is named as the ancestor of 5322
    assert {number: path for number, path in cited.items() if number not in [*numbers, "822"]} == {}


def test_the_page_on_design_names_every_module():
    rooms = (ROOT / "docs" / "design.rst").read_text().partition("The way of a command")[0]
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "version.py"}
    packages = {path.name + "/" for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    named = set(re.findall(r"``(\w+(?:\.py|/))``", rooms))
    assert modules | packages == named - {"base.py"}


# --- pages ---


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_to_files_that_exist(page):
    targets = re.findall(r"<([^<>\s]+)>`_", page.read_text())
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_paths_that_are_named_exist(page):
    named = re.findall(r"(?<![\w/.~-])((?:netimap|tests|docs|examples|bin)/[\w/.-]*\w)", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.rst").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.rst")} - {"index.rst"}
    assert pages == set(re.findall(r"<(\w+\.rst)>`__", index))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_pages_are_restructuredtext(page):
    core = pytest.importorskip("docutils.core")
    settings = {"report_level": 1, "halt_level": 1, "syntax_highlight": "none", "file_insertion_enabled": False}
    core.publish_doctree(page.read_text(), str(page), settings_overrides=settings)
