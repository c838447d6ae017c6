"""netimap.users and netimap.passwords: the file of users, and the check of a password."""

import base64
import multiprocessing
import os
import time

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap import passwords, users
from netimap.exceptions import Unavailable
from netimap.passwords import DECOY, PasswordHash, saslprep
from netimap.users import FileAuth, UsersError, UsersFile


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    """Hashes that cost nothing; the tests of the cost take the real ones."""
    monkeypatch.setattr(passwords, "LOG2_ROUNDS", 2)


@pytest.fixture
def file(tmp_path):
    return UsersFile(tmp_path / "users")


def test_add_verify_passwd_remove(file):
    file.add("alice", "secret")
    file.add("bob", "hidden")
    assert file.names() == ["alice", "bob"]
    assert file.verify("alice", "secret")
    assert not file.verify("alice", "hidden")
    assert not file.verify("alice", "")
    assert not file.verify("carol", "secret")
    file.passwd("alice", "new")
    assert not file.verify("alice", "secret")
    assert file.verify("alice", "new")
    assert file.verify("bob", "hidden")
    file.remove("alice")
    assert file.names() == ["bob"]
    assert not file.verify("alice", "new")


def test_there_is_no_clear_text_and_nobody_else_may_read(file, tmp_path):
    file.add("alice", "secret")
    text = (tmp_path / "users").read_text()
    assert text.startswith("alice:$scrypt$ln=2,r=8,p=1$")
    assert "secret" not in text
    assert (tmp_path / "users").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "users.new").exists()


def test_same_password_gives_two_hashes(file):
    file.add("alice", "secret")
    file.add("bob", "secret")
    assert file.hash_of("alice").digest != file.hash_of("bob").digest


def test_errors_of_the_operator(file):
    file.add("alice", "secret")
    with pytest.raises(UsersError, match="there is a user 'alice' already"):
        file.add("alice", "x")
    for action in (lambda: file.passwd("bob", "x"), lambda: file.remove("bob")):
        with pytest.raises(UsersError, match="there is no user 'bob'"):
            action()
    with pytest.raises(UsersError, match="may not be empty"):
        file.add("bob", "")
    with pytest.raises(UsersError, match="no more than 1024 octets"):
        file.add("bob", "x" * 1025)
    with pytest.raises(UsersError, match=r"U\+0007 is not allowed"):
        file.passwd("alice", "bell\a")
    assert file.names() == ["alice"]
    assert file.verify("alice", "secret")


@pytest.mark.parametrize(
    "name",
    ["", " ", "a ", " a", ".", "..", ".a", "#a", "a/b", "/", "a:b", "a\0", "a\nb", "a\x7f", "\u202e", "x" * 256]
    + ["é" * 128, "\ud800", "\u00ad", "a\u2044\u0000b", "\u2024\u2024"],
)
def test_names_that_are_no_names_of_directories(file, name):
    with pytest.raises(UsersError) as error:
        file.add(name, "secret")
    assert len(str(error.value)) < 2000
    assert "\n" not in str(error.value)
    assert not file.verify(name, "secret")


@pytest.mark.parametrize("name", ["a", "alice@example.org", "%u", "'", "*)(", "a b", "élan", "日本", "\\", "x" * 255])
def test_names_that_may_be(file, name):
    file.add(name, "secret")
    assert file.verify(name, "secret")
    assert file.names() == [name]
    assert list(file.problems()) == []


def test_names_and_passwords_are_compared_after_saslprep(file):
    # RFC 4013 3: example 2, 4, and a composed against a decomposed letter
    file.add("ren\u00e9", "pass\u00a0wor\u00add \u00aa")
    assert file.verify("rene\u0301", "pass word a")
    with pytest.raises(UsersError, match="already"):
        file.add("rene\u0301", "x")


@pytest.mark.parametrize(
    ("text", "prepared"),
    [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX"), ("", "")],
)
def test_saslprep_examples(text, prepared):
    """RFC 4013 section 3."""
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "\u0627a\u0627"])
def test_saslprep_errors(text):
    """RFC 4013 section 3, and RFC 3454 section 6."""
    with pytest.raises(ValueError):
        saslprep(text)


def test_right_to_left_is_fine_alone():
    assert saslprep("\u0627\u0031\u0628") == "\u0627\u0031\u0628"


@given(st.text())
def test_saslprep_is_done_after_once(text):
    try:
        once = saslprep(text)
    except ValueError:
        return
    assert saslprep(once) == once


def test_hash_is_read_as_it_was_written():
    password_hash = PasswordHash.of("secret")
    assert PasswordHash.parse(str(password_hash)) == password_hash
    assert "=" not in str(password_hash).rpartition("$")[2]


def test_hash_of_another_program():
    """RFC 7914 section 12, third vector; scrypt's output of 32 octets is the beginning of that of 64."""
    salt = base64.b64encode(b"SodiumChloride").decode().rstrip("=")
    digest = bytes.fromhex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
    text = f"$scrypt$ln=14,r=8,p=1${salt}${base64.b64encode(digest).decode().rstrip('=')}"
    assert PasswordHash.parse(text).matches("pleaseletmein")
    assert not PasswordHash.parse(text).matches("pleaseletmeout")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$AAAA",
        "$scrypt$ln=14,r=8,p=1$salt",
        "$scrypt$ln=0,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=14,r=1,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=14,r=8,p=0$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=14,r=8,p=999$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=40,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=14,r=8,p=1$" + "A" * 21 + "$" + "A" * 43,
    ],
)
def test_what_is_no_hash_is_refused(text):
    with pytest.raises(ValueError, match="scrypt hash"):
        PasswordHash.parse(text)


def test_every_cost_that_is_taken_can_be_computed():
    for cost in ("ln=1,r=2,p=1", "ln=17,r=2,p=1", "ln=1,r=999,p=16"):
        assert not PasswordHash.parse(f"$scrypt${cost}${'A' * 22}${'A' * 43}").matches("x")


def test_a_change_by_another_program_is_seen(file, tmp_path):
    UsersFile(tmp_path / "users").add("alice", "one")
    assert file.verify("alice", "one")
    UsersFile(tmp_path / "users").passwd("alice", "two")
    assert file.verify("alice", "two")
    (tmp_path / "users").unlink()
    assert not file.verify("alice", "two")


def test_comments_and_strange_lines_are_kept(file, tmp_path):
    (tmp_path / "users").write_text("# our people\n\nbroken line\n")
    file.add("alice", "secret")
    file.add("bob", "secret")
    file.passwd("alice", "other")
    file.remove("bob")
    lines = (tmp_path / "users").read_text().split("\n")
    assert lines[:3] == ["# our people", "", "broken line"]
    assert lines[3].startswith("alice:")
    assert lines[4:] == [""]


def test_a_broken_line_locks_out_its_user_only(file, tmp_path):
    file.add("alice", "secret")
    with open(tmp_path / "users", "a") as stream:
        stream.write("bob:secret\n")
    assert not file.verify("bob", "secret")
    assert file.verify("alice", "secret")


def test_problems_are_named_by_line(file, tmp_path):
    assert list(file.problems()) == []
    path = tmp_path / "users"
    path.write_text(f"# comment\nalice:{DECOY}\nalice:{DECOY}\nbob:secret\nrene\u0301:{DECOY}\n/:{DECOY}\n")
    path.chmod(0o604)
    problems = [problem.removeprefix(f"{path}") for problem in file.problems()]
    assert problems == [
        f": others may read or write it; say chmod o= {path}",
        ", line 3: the user 'alice' is there twice",
        ", line 4: this is no scrypt hash",
        ", line 5: the name has to be written 'ren\u00e9'",
        ", line 6: user name '/': it may not begin with . or #, nor hold : or /",
    ]
    path.write_bytes(b"\xff:x\n")
    assert list(file.problems()) == [f"{path}: this is not UTF-8"]
    with pytest.raises(UsersError, match="this is not UTF-8"):
        file.names()


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "users").symlink_to(tmp_path / "real" / "file")
    UsersFile(tmp_path / "users").add("alice", "secret")
    assert (tmp_path / "users").is_symlink()
    assert UsersFile(tmp_path / "real" / "file").verify("alice", "secret")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_file_stays_with_its_owner(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    file = UsersFile(tmp_path / "users")
    file.add("alice", "secret")
    assert (tmp_path / "users").stat().st_uid == 65534  # as its directory
    assert (tmp_path / "users.lock").stat().st_uid == 65534
    os.chown(tmp_path / "users", 1, 2)
    (tmp_path / "users").chmod(0o640)
    file.add("bob", "secret")
    state = (tmp_path / "users").stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (1, 2, 0o640)


def _add_ten(path, prefix):
    passwords.LOG2_ROUNDS = 2
    for number in range(10):
        UsersFile(path).add(f"{prefix}{number}", "secret")


def test_writers_do_not_lose_each_others_users(file):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_ten, args=(file.path, prefix)) for prefix in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(file.names()) == 20


def test_a_write_that_fails_loses_nothing(file, monkeypatch):
    file.add("alice", "secret")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.add("bob", "secret")
    monkeypatch.undo()
    assert file.names() == ["alice"]


# FileAuth


def test_file_auth(file):
    file.add("ren\u00e9", "secret")
    auth = FileAuth.for_file(file.path)()
    assert auth.provides_plain()
    assert not auth.auth_plain("ren\u00e9", "wrong")
    assert not auth.auth_plain("nobody", "secret")
    assert not auth.auth_plain("../ren\u00e9", "secret")
    assert auth.user() is None
    assert auth.auth_plain("rene\u0301", "secret") is True
    assert auth.user() == "ren\u00e9"  # one user, one mailbox


def test_file_auth_of_two_files(tmp_path):
    UsersFile(tmp_path / "a").add("alice", "secret")
    assert FileAuth.for_file(tmp_path / "a")().auth_plain("alice", "secret")
    assert not FileAuth.for_file(tmp_path / "b")().auth_plain("alice", "secret")


def test_file_auth_says_when_it_cannot_tell(file, caplog):
    os.mkdir(file.path)
    with pytest.raises(Unavailable, match="not possible at the moment"):
        FileAuth.for_file(file.path)().auth_plain("alice", "secret")
    assert "Is a directory" in caplog.text
    assert "secret" not in caplog.text


def test_hashing_stops_nobody_and_is_bounded(file, monkeypatch):
    file.add("alice", "secret")
    running, most, ticks = [0], [0], []

    def slow(self, password):
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.005)
        running[0] -= 1
        return False

    monkeypatch.setattr(PasswordHash, "matches", slow)
    auth_class = FileAuth.for_file(file.path)
    logins = [gevent.spawn(auth_class().auth_plain, "alice", "x") for _ in range(10)]
    ticker = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.001)) for _ in range(1000)])
    gevent.joinall(logins)
    ticker.kill()
    assert len(ticks) >= 3
    assert 1 < most[0] <= users.HASHES_AT_ONCE


def test_unknown_user_costs_as_much_as_a_wrong_password(file, tmp_path):
    """FIELD-NOTES 4: the time must not tell which users there are."""
    file.add("alice", "secret")
    known = file.hash_of("alice")
    for name in ("nobody", "", "../alice", "alice\0", "x" * 100_000):
        unknown = file.hash_of(name)
        assert (unknown.log2_rounds, unknown.blocks, unknown.parallel) == (
            known.log2_rounds,
            known.blocks,
            known.parallel,
        )
        assert not unknown.matches("secret")
    empty = UsersFile(tmp_path / "empty")
    assert (empty.hash_of("alice").log2_rounds, empty.hash_of("alice").blocks) == (14, 8)


def test_password_that_cannot_be_is_hashed_all_the_same(monkeypatch):
    hashed = []
    monkeypatch.setattr(passwords, "_scrypt", lambda secret, *cost: hashed.append(secret) or b"")
    for password in ("", "\a", "x" * 1_000_000, "secret"):
        assert not DECOY.matches(password)
    assert len(hashed) == 4
    assert max(map(len, hashed)) <= passwords.MAX_PASSWORD


def test_a_long_name_or_password_takes_no_time():
    started = time.perf_counter()
    marks = "\u0300\u0323" * 500_000  # what normalisation has to sort
    with pytest.raises(UsersError):
        users.prepared_name(marks)
    with pytest.raises(ValueError):
        passwords._secret(marks)
    assert time.perf_counter() - started < 0.1
