"""netimap.exceptions: what a command raises, and the response codes that come with it (RFC 3501 7.1, RFC 5530)."""

import pytest

from netimap.exceptions import Bad, Bye, Denied, IMAPError, No, ReadOnly, TooBig, Unavailable


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (No("Mailbox does not exist"), "NO Mailbox does not exist"),
        (No("No such mailbox", "TRYCREATE"), "NO [TRYCREATE] No such mailbox"),
        (Bad("Not enough options"), "BAD Not enough options"),
        (Bye("Idle for too long"), "BYE Idle for too long"),
        (Denied(), "NO [NOPERM] Permission denied"),
        (ReadOnly(), "NO [NOPERM] Mailbox is read-only"),
        (TooBig("Too big"), "NO [TOOBIG] Too big"),
        (Unavailable("Later"), "NO [UNAVAILABLE] Later"),
        (Denied("Not yours", "OVERQUOTA"), "NO [OVERQUOTA] Not yours"),
    ],
)
def test_shows_status_code_and_text(error, shown):
    assert str(error) == shown
    assert isinstance(error, IMAPError)


def test_a_code_of_one_error_is_not_of_its_class():
    assert No("x", "LIMIT").code == "LIMIT"
    assert No("x").code is None
