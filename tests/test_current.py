"""netimap.current: a greenlet's connection."""

import gevent

from netimap.current import current_connection


def test_each_greenlet_has_its_own():
    def work(name):
        assert current_connection() is None
        assert current_connection(name) == name
        gevent.sleep(0)
        return current_connection()

    greenlets = [gevent.spawn(work, name) for name in ("a", "b")]
    assert [greenlet.get() for greenlet in greenlets] == ["a", "b"]
    assert current_connection() is None


def test_none_removes_it():
    def work():
        current_connection("a")
        current_connection(None)
        current_connection(None)
        return current_connection()

    assert gevent.spawn(work).get() is None


def test_works_where_no_server_runs():
    try:
        current_connection("main")
        assert current_connection() == "main"
    finally:
        current_connection(None)
    assert current_connection() is None
