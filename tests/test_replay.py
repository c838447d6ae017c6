"""The test worth most: clients that believe untagged responses and nothing else end with the server's state.

Three sessions (one of them read-only) on one mailbox, random commands in random order. What a client knows must never
contradict what it is told later, numbers may not change where RFC 3501 7.4.1 forbids it, and in the end everybody
knows what a session knows that comes new.
"""

import itertools

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from netimap.testing import Replay

FLAGS = ("\\Seen", "\\Deleted", "\\Flagged", "$Label")

sessions = st.integers(0, 2)
writers = st.integers(0, 1)
# few messages, so that the sessions get in one another's way
picks = st.lists(st.integers(0, 4), min_size=1, max_size=2)
flag_sets = st.sets(st.sampled_from(FLAGS), max_size=3).map(sorted)
_users = itertools.count()


class Sessions(RuleBasedStateMachine):
    """Each rule is one command of one session."""

    #: the running server; the test sets it
    server = None

    @initialize(count=st.integers(0, 5))
    def begin(self, count):
        user = f"replay-{next(_users)}"
        self.clients = [self.server.connect(user) for _ in range(3)]
        self.watcher = self.server.connect(user)
        self.replays = [Replay(client) for client in self.clients]
        self.idling = set()
        for number in range(count):
            self.watcher.ok("APPEND INBOX ", b"Subject: %d\r\n\r\n" % number)
        for replay, command in zip(self.replays, ("SELECT", "SELECT", "EXAMINE"), strict=True):
            replay.select("INBOX", command)

    # --- helpers ---

    def run(self, who, *parts):
        """Run a command. EXPUNGE must not come while numbers are in use."""
        self.wake_up(who)
        result = self.clients[who].ok(*parts)
        if parts[0].split()[0] in ("FETCH", "STORE", "SEARCH"):
            assert result.of("EXPUNGE") == []
        return result

    def wake_up(self, who):
        """End its IDLE; it may learn something in that."""
        if who in self.idling:
            self.idling.discard(who)
            self.clients[who].done()

    def chosen(self, who, picks, by_uid):
        """What `picks` mean to a session: the set as text, and what it knows of those messages."""
        self.wake_up(who)
        messages = self.replays[who].messages
        numbers = sorted({pick % len(messages) + 1 for pick in picks}) if messages else []
        known = [messages[number - 1] for number in numbers]
        if by_uid:
            known = [message for message in known if message.uid is not None]
            numbers = [message.uid for message in known]
        return ",".join(map(str, numbers)), known

    # --- commands ---

    @rule(who=sessions)
    def noop(self, who):
        self.run(who, "NOOP")

    @rule(who=sessions, flags=flag_sets)
    def append(self, who, flags):
        self.run(who, f"APPEND INBOX ({' '.join(flags)}) ", b"Subject: new\r\n\r\n")

    @rule(who=writers, picks=picks, how=st.sampled_from(["FLAGS", "+FLAGS", "-FLAGS"]), flags=flag_sets,
          silent=st.booleans(), by_uid=st.booleans())  # fmt: skip
    def store(self, who, picks, how, flags, silent, by_uid):
        numbers, known = self.chosen(who, picks, by_uid)
        if not numbers:
            return
        item = f"{how}.SILENT" if silent else how
        self.run(who, f"{'UID ' if by_uid else ''}STORE {numbers} {item} ({' '.join(flags)})")
        for message in known if silent else []:
            # what the client asked for in silence it has to work out by itself
            old = message.flags or frozenset()
            if how == "FLAGS":
                message.flags = frozenset(flags)
            elif message.flags is not None:
                message.flags = old | set(flags) if how == "+FLAGS" else old - set(flags)

    @rule(who=writers)
    def expunge(self, who):
        self.run(who, "EXPUNGE")

    @rule(who=writers, picks=picks)
    def remove(self, who, picks):
        numbers, known = self.chosen(who, picks, by_uid=False)
        if numbers:
            self.run(who, f"STORE {numbers} +FLAGS.SILENT (\\Deleted)")
            for message in known:
                message.flags = None if message.flags is None else message.flags | {"\\Deleted"}
            self.run(who, "EXPUNGE")

    @rule(who=writers, other=writers, pick=st.integers(0, 4), flag=st.sampled_from(FLAGS))
    def store_after_another(self, who, other, pick, flag):
        """Two sessions change the same message, the second in silence, before it has heard of the first."""
        numbers, _ = self.chosen(other, [pick], by_uid=True)
        if numbers and who != other:
            self.run(other, f"UID STORE {numbers} +FLAGS (\\Flagged)")
            self.wake_up(who)
            known = [message for message in self.replays[who].messages if str(message.uid) == numbers]
            # a client stores only where it knows the message by its UID
            for message in known:
                self.run(who, f"UID STORE {numbers} +FLAGS.SILENT ({flag})")
                message.flags = None if message.flags is None else message.flags | {flag}

    @rule(who=sessions, picks=picks, by_uid=st.booleans(), items=st.sampled_from(["FLAGS", "UID", "(UID FLAGS)"]))
    def fetch(self, who, picks, by_uid, items):
        numbers, _ = self.chosen(who, picks, by_uid)
        if numbers:
            self.run(who, f"{'UID ' if by_uid else ''}FETCH {numbers} {items}")

    @rule(who=sessions)
    def fetch_all(self, who):
        self.wake_up(who)
        count = len(self.replays[who].messages)
        if count:
            rows = self.run(who, "FETCH 1:* (UID FLAGS)").fetched()
            # all numbers it knows of, also of messages that went and of which it was not told
            assert set(range(1, count + 1)) <= set(rows)

    @rule(who=writers, picks=picks)
    def read(self, who, picks):
        numbers, _ = self.chosen(who, picks, by_uid=False)
        if numbers:
            self.run(who, f"FETCH {numbers} BODY[TEXT]")

    @rule(who=sessions, key=st.sampled_from(["ALL", "SEEN", "UNDELETED"]))
    def search(self, who, key):
        self.wake_up(who)
        count = len(self.replays[who].messages)
        (line,) = self.run(who, f"SEARCH {key}").of("SEARCH")
        assert all(1 <= int(number) <= count for number in line.split()[2:])

    @rule(who=sessions, picks=picks, by_uid=st.booleans())
    def copy(self, who, picks, by_uid):
        numbers, _ = self.chosen(who, picks, by_uid)
        if numbers and len(self.replays[who].messages) < 40:
            # a message that another session has expunged may be refused, and then nothing is copied (RFC 3501 6.4.7)
            result = self.clients[who].command(f"{'UID ' if by_uid else ''}COPY {numbers} INBOX")
            assert result.status in ("OK", "NO")

    @precondition(lambda self: len(self.idling) < 2)
    @rule(who=sessions)
    def idle(self, who):
        if who not in self.idling:
            self.idling.add(who)
            self.clients[who].idle()

    @rule(who=sessions)
    def select_again(self, who):
        self.wake_up(who)
        self.replays[who].select("INBOX", "EXAMINE" if who == 2 else "SELECT")

    # --- the end ---

    def teardown(self):
        if not hasattr(self, "clients"):
            return
        try:
            self.compare()
        finally:
            for client in (*self.clients, self.watcher):
                client.close()

    def compare(self):
        truth = Replay(self.watcher)
        truth.select("INBOX", "EXAMINE")
        for who, replay in enumerate(self.replays):
            self.run(who, "NOOP")
            assert len(replay.messages) == len(truth.messages)
            for known, true in zip(replay.messages, truth.messages, strict=True):
                # what the client knows is so; what it was never told it has to ask for
                assert known.uid in (None, true.uid)
                assert known.flags in (None, true.flags)
            if replay.messages:
                # from here on it is known again: the numbers are the server's
                self.run(who, "FETCH 1:* (UID FLAGS)")
            assert replay.known() == truth.known()
            assert self.clients[who].unread() == b""


@pytest.fixture
def machine(shared_server):
    """The state machine on the shared server."""
    Sessions.server = shared_server
    yield Sessions
    Sessions.server = None


@pytest.mark.timeout(300)  # when it fails it looks for the shortest way to fail
def test_replaying_what_the_server_sent_gives_the_servers_state(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=30,
            report_multiple_bugs=False,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
