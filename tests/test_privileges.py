"""netimap.privileges: the pid file, the change of root directory and user, the number of open files.

What changes the process for good is done in a forked child, which reports by its exit status or a pipe.
"""

import os
import resource
import subprocess
import sys
import textwrap

import pytest

from netimap import privileges
from netimap.exceptions import ConfigurationError
from netimap.privileges import PidFile, Privileges

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user")


def options(**given):
    return {"pid_file": None, "chroot": None, "user": None, "group": None} | given


def run(source, *arguments):
    """Run Python source in a process of its own; return what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return result.stdout + result.stderr


# pid file


def test_pid_file_is_there_while_the_server_runs(tmp_path):
    pid_file = PidFile(tmp_path / "pid")
    pid_file.write()
    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    pid_file.remove()
    assert not (tmp_path / "pid").exists()
    pid_file.remove()


def test_pid_file_of_a_running_server_is_refused(tmp_path):
    first, second = PidFile(tmp_path / "pid"), PidFile(tmp_path / "pid")
    first.write()
    with pytest.raises(ConfigurationError, match=f"process {os.getpid()} is running already"):
        second.write()
    second.remove()
    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    first.remove()
    second.write()
    second.remove()


@pytest.mark.parametrize("left", [f"{os.getppid()}\n", "999999999\n", "", "nonsense", "1\n" * 1000])
def test_stale_pid_file_is_replaced(tmp_path, left):
    (tmp_path / "pid").write_text(left)
    pid_file = PidFile(tmp_path / "pid")
    pid_file.write()
    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    pid_file.remove()


def test_lock_ends_with_the_process(tmp_path):
    printed = run(
        "import sys; from netimap.privileges import PidFile; PidFile(sys.argv[1]).write(); print('ok')",
        tmp_path / "pid",
    )
    assert printed == "ok\n"
    pid_file = PidFile(tmp_path / "pid")
    pid_file.write()
    pid_file.remove()


def test_pid_file_that_another_one_has_replaced_is_left_alone(tmp_path):
    pid_file = PidFile(tmp_path / "pid")
    pid_file.write()
    (tmp_path / "pid").unlink()
    (tmp_path / "pid").write_text("7\n")
    pid_file.remove()
    assert (tmp_path / "pid").read_text() == "7\n"


def test_pid_file_that_cannot_be_removed_is_emptied(tmp_path, monkeypatch):
    pid_file = PidFile(tmp_path / "pid")
    pid_file.write()

    def refuse(path):
        raise PermissionError

    monkeypatch.setattr(os, "unlink", refuse)
    pid_file.remove()
    assert (tmp_path / "pid").read_text() == ""


def test_pid_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match="^pid_file .*/no/pid: No such file or directory$"):
        PidFile(tmp_path / "no" / "pid").write()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(ConfigurationError, match="pid_file .*/link: "):
        PidFile(tmp_path / "link").write()


# user, group, root directory


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"user": "no-such-user"}, "user: there is no user 'no-such-user'"),
        ({"user": "4294967295000"}, "user: there is no user '4294967295000'"),
        ({"group": "no-such-group"}, "group: there is no group 'no-such-group'"),
        ({"group": "987654"}, "group: there is no group '987654'"),
        ({"chroot": "/no/such/place"}, "chroot /no/such/place: there is no such directory"),
    ],
)
def test_what_does_not_exist_is_one_line(given, problem):
    with pytest.raises(ConfigurationError, match=f"^{problem}$"):
        Privileges(options(**given))


def test_only_root_can_become_somebody_else(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    for given in ({"user": "root"}, {"group": "65534"}, {"chroot": str(tmp_path)}):
        with pytest.raises(ConfigurationError, match="started as root"):
            Privileges(options(**given))


def test_nothing_asked_for_changes_nothing():
    before = os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd()
    Privileges(options()).drop()
    assert (os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd()) == before


BECOME = """
    import os, sys
    from netimap.privileges import Privileges
    from netimap.exceptions import ConfigurationError
    chroot, user, group = (argument or None for argument in sys.argv[1:])
    try:
        Privileges(dict(pid_file=None, chroot=chroot, user=user, group=group)).drop()
    except ConfigurationError as error:
        sys.exit(f"error: {error}")
    print(os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd(), os.listdir("/") if chroot else "")
    try:
        os.setuid(0)
    except PermissionError:
        print("for good")
"""


@as_root
def test_user_becomes_the_user_with_his_groups():
    printed = run(BECOME, "", "nobody", "").splitlines()
    assert printed[0].startswith("(65534, 65534, 65534) (65534, 65534, 65534) [65534] ")
    assert printed[1] == "for good"


@as_root
def test_numbers_and_an_explicit_group():
    printed = run(BECOME, "", "65534", "1").splitlines()
    assert printed[0].startswith("(65534, 65534, 65534) (1, 1, 1) [1] ")
    assert printed[1] == "for good"


@as_root
def test_group_alone():
    assert run(BECOME, "", "", "1").startswith("(0, 0, 0) (1, 1, 1) [1] ")


@as_root
def test_chroot_then_user(tmp_path):
    (tmp_path / "inside").touch()
    for directory in (tmp_path, tmp_path.parent):
        directory.chmod(0o755)
    printed = run(BECOME, tmp_path, "nobody", "").splitlines()
    assert printed == ["(65534, 65534, 65534) (65534, 65534, 65534) [65534] / ['inside']", "for good"]


@as_root
def test_mail_in_any_charset_can_be_read_behind_chroot(tmp_path):
    printed = run(
        """
        import os, sys
        from netimap.privileges import Privileges
        Privileges(dict(pid_file=None, chroot=sys.argv[1], user="nobody", group=None)).drop()
        print(ascii(b"\\x1b$B$3".decode("iso-2022-jp")), ascii(b"\\xd0".decode("koi8-r")))
        """,
        tmp_path,
    )
    assert printed == "'\\u3053' '\\u043f'\n"


@as_root
def test_refusal_by_the_system_is_one_line():
    printed = run(
        """
        import os
        from netimap.exceptions import ConfigurationError
        from netimap.privileges import Privileges
        options = dict(pid_file=None, chroot=None, user=None, group=None)
        wanted = [Privileges(options | {name: value}) for name, value in
                  [("chroot", "/"), ("user", "root"), ("group", "1")]]
        os.setuid(65534)
        for privileges in wanted:
            try:
                privileges.drop()
            except ConfigurationError as error:
                print(error)
        """
    )
    assert printed.splitlines() == [
        "chroot: Operation not permitted (start the server as root)",
        "user: Operation not permitted (start the server as root)",
        "group: Operation not permitted (start the server as root)",
    ]


def test_pid_file_of_the_options(tmp_path):
    privileges = Privileges(options(pid_file=str(tmp_path / "pid")))
    assert not (tmp_path / "pid").exists()
    privileges.write_pid_file()
    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    privileges.remove_pid_file()
    assert not (tmp_path / "pid").exists()
    without = Privileges(options())
    without.write_pid_file()
    without.remove_pid_file()


@as_root
def test_paths_behind_chroot(tmp_path):
    (tmp_path / "root" / "data").mkdir(parents=True)
    (tmp_path / "root" / "out").symlink_to("/etc")
    privileges = Privileges(options(chroot=str(tmp_path / "root")))
    assert privileges.inside(f"{tmp_path}/root/data/x") == "/data/x"
    assert privileges.inside(f"{tmp_path}/root") == "/"
    for path in (f"{tmp_path}/rooted", "/etc/passwd", f"{tmp_path}/root/../x", f"{tmp_path}/root/out/passwd"):
        with pytest.raises(ConfigurationError, match="is not in the directory of chroot"):
            privileges.inside(path)
    assert Privileges(options()).inside("/any") == "/any"


@as_root
def test_what_root_made_is_given_to_the_user(tmp_path):
    (tmp_path / "a").touch()
    Privileges(options()).give(tmp_path / "a")
    assert (tmp_path / "a").stat().st_uid == 0
    Privileges(options(user="nobody", group="1")).give(tmp_path / "a")
    assert ((tmp_path / "a").stat().st_uid, (tmp_path / "a").stat().st_gid) == (65534, 1)


@as_root
@pytest.mark.parametrize(
    ("owner", "group", "mode", "permitted"),
    [
        (65534, 0, 0o600, True),
        (65534, 1, 0o060, False),
        (0, 65534, 0o060, True),
        (0, 1, 0o060, True),
        (0, 1, 0o040, False),
        (0, 0, 0o006, True),
        (0, 0, 0o660, False),
    ],
)
def test_what_the_user_may(tmp_path, owner, group, mode, permitted):
    (tmp_path / "a").touch()
    os.chown(tmp_path / "a", owner, group)
    (tmp_path / "a").chmod(mode)
    privileges = Privileges(options(user="nobody"))
    privileges.groups = [65534, 1]
    assert privileges.may(tmp_path / "a", os.R_OK | os.W_OK) is permitted
    assert Privileges(options(user="root")).may(tmp_path / "a", os.R_OK)
    assert Privileges(options()).may(tmp_path / "a", os.R_OK)


# open files


@pytest.fixture
def limits(monkeypatch):
    """The limits of the process, in a list [soft, hard] instead of the system."""
    limits = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, new: limits.__setitem__(slice(None), new))
    return limits


@pytest.mark.parametrize(
    ("before", "connections", "after", "good_for"),
    [
        ([1024, 4096], 500, [1024, 4096], 500),
        ([1024, 4096], 2000, [2200, 4096], 2000),
        ([1024, 4096], 20000, [4096, 4096], 3896),
        ([1024, resource.RLIM_INFINITY], 20000, [20200, resource.RLIM_INFINITY], 20000),
        ([resource.RLIM_INFINITY] * 2, 20000, [resource.RLIM_INFINITY] * 2, 20000),
        ([100, 100], 20000, [100, 100], 1),
    ],
)
def test_room_for_open_files(limits, before, connections, after, good_for):
    limits[:] = before
    assert privileges.raise_file_limit(connections) == good_for
    assert limits == after
