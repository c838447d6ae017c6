"""Names of message files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netimap.storage.maildir import file_name


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        (b"1.x", set()),
        (b"1.x:2,", set()),
        (b"1.x:2,S", {"\\Seen"}),
        (b"1.x:2,DFPRST", {"\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen", "\\Deleted"}),
        # Dovecot's keywords are small letters
        (b"1.x:2,Sab", {"\\Seen"}),
        (b"1.x:2,F,more=S", {"\\Flagged"}),
        (b"1.x:1,S", set()),
        (b"1.S,F", set()),
    ],
)
def test_flags(name, flags):
    assert file_name.flags(name) == flags


@pytest.mark.parametrize(
    ("name", "flags", "renamed"),
    [
        (b"1.x", {"\\Seen", "\\Flagged", "keyword"}, b"1.x:2,FS"),
        (b"1.x,S=5,W=6:2,S", set(), b"1.x,S=5,W=6:2,"),
        # what netimap does not know stays, in order
        (b"1.x:2,TaXb", {"\\Draft"}, b"1.x:2,DXab"),
        (b"1.x:2,S,more", {"\\Seen", "\\Answered"}, b"1.x:2,RS,more"),
        (b"1.x:1,odd", {"\\Seen"}, b"1.x:2,S"),
    ],
)
def test_with_flags(name, flags, renamed):
    assert file_name.with_flags(name, frozenset(flags)) == renamed
    assert file_name.base(renamed) == file_name.base(name)


@given(st.frozensets(st.sampled_from(sorted(file_name.NAMED_FLAGS))), st.binary().map(lambda b: b.replace(b":", b"")))
def test_flags_come_back(flags, base):
    assert file_name.flags(file_name.with_flags(base, flags)) == flags


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (b"1.M2P3.host,S=200,W=210:2,S", 210),
        (b"1.M2P3.host,W=210", 210),
        (b"1.M2P3.host,S=200:2,S", None),
        (b"1.M2P3.host,W=", None),
        (b"1.M2P3.host,W=5x:2,", None),
        (b"1.host:2,,W=5", None),
    ],
)
def test_size(name, size):
    assert file_name.size(name) == size


def test_order_of_delivery():
    late = 5 * 10**18
    names = [
        (b"1500000000.M9P1.host", late),
        (b"1500000000.M10P1.host", 1),
        # Postfix: device, inode, microseconds
        (b"1500000000.V801I7M11.host", late),
        (b"1500000001.M1P1Q1.host", 3),
        (b"1500000001.M1P1Q2.host", 3),
        # no time in the name: that of the file
        (b"msg.0001", 1500000002 * 10**9),
        (b"1500000003.host", 0),
    ]
    assert sorted(names, key=lambda item: file_name.delivered(*item)) == names


def test_unique_names_tell_their_sizes():
    names = {file_name.unique(10, 12) for _ in range(1000)}
    assert len(names) == 1000
    assert {file_name.size(name) for name in names} == {12}
    assert file_name.size(file_name.unique(10, None)) is None


def test_host_name_cannot_spoil_a_name(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "a/b:c,W=1")
    name = file_name.unique(10, 12)
    assert b"/" not in name
    assert b":" not in name
    assert file_name.size(name) == 12
