"""kill -9 in the middle of changes: what was acknowledged is there, what was not is there as a whole or not at all."""

import json
import os
import random
import subprocess
import sys

from maildir_crashing import content

#: kills; issue 3 asks for hundreds, in its own suite
ROUNDS = int(os.environ.get("NETIMAP_CRASHES", "4"))
SCRIPT = os.path.join(os.path.dirname(__file__), "maildir_crashing.py")


def run_and_kill(path, number, seconds):
    """What the process said until it was killed."""
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(SCRIPT)))}
    with subprocess.Popen(
        [sys.executable, SCRIPT, path, str(number)], bufsize=0, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout.readline().startswith(b"ready")
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        output = process.communicate()[0].decode()
    said = []
    for line in output.splitlines():
        word, who, what = line.split(" ", 2)
        said.append((word, who, json.loads(what)))
    return said


def apply(messages, what):
    """The mailbox after a change: UID → (content, flags)."""
    action, *rest = what
    after = dict(messages)
    if action == "append":
        after[rest[0]] = (content(*rest[1:]), {"\\Seen"})
    elif action == "store":
        after.update((uid, (messages[uid][0], set(rest[1]))) for uid in rest[0])
    elif action == "copy":
        after.update((copy, messages[uid]) for uid, copy in zip(rest[0], rest[1], strict=True))
    else:
        for uid in rest[0]:
            del after[uid]
    return after


def possible(messages, begun):
    """What may be found when a change had begun and was not acknowledged."""
    yield messages
    if begun is None:
        return
    action, *rest = begun
    first = max(messages, default=0)
    if action in ("append", "copy"):
        # the largest UIDs may have been expunged: the new ones lie behind
        for start in range(first + 1, first + 40):
            if action == "append":
                yield apply(messages, ["append", start, *rest])
            else:
                yield apply(messages, ["copy", rest[0], list(range(start, start + len(rest[0])))])
    else:
        yield apply(messages, begun)


def test_killed_in_the_middle(store):
    chance = random.Random(1)
    expected = {"a": {}, "b": {}}
    validity = {}
    done = 0
    for number in range(ROUNDS):
        begun = {"a": None, "b": None}
        for word, who, what in run_and_kill(store.path, number, chance.uniform(0.02, 0.3)):
            if word == "begin":
                begun[who] = what
            else:
                done += 1
                begun[who] = None
                expected[who] = apply(expected[who], what)
        model = store.login()
        for who, messages in expected.items():
            mailbox = model.lookup(who)
            found = {m.uid(): (m.raw(), set(m.flags())) for m in mailbox.messages()}
            assert found in list(possible(messages, begun[who])), (who, begun[who])
            assert mailbox.uidvalidity() == validity.setdefault(who, mailbox.uidvalidity())
            assert mailbox.uidnext() > max(found, default=0)
            assert len(store.files(folder=f".{who}")) == len(found)
            assert store.files("tmp", f".{who}") == []
            expected[who] = found
        store.close()
    assert done > ROUNDS
