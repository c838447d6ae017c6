"""Names and passwords as they are compared (SASLprep), and the hashes that are kept of passwords (scrypt)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import stringprep
import unicodedata
from dataclasses import dataclass

#: Cost of a new hash: 2**14 rounds of 8 blocks are 16 MiB and some 40 ms on one core of 2025. More would make
#: logins a way to keep a small server busy; each hash keeps its own cost, so it can be raised at any time.
LOG2_ROUNDS, BLOCKS, PARALLEL = 14, 8, 1
#: octets of memory that a hash from a file may ask for
MAX_MEMORY = 256 * 1024 * 1024
#: rounds of that memory that a hash from a file may ask for
MAX_PARALLEL = 16
#: octets of a password; nobody types more, and a longer one only makes work
MAX_PASSWORD = 1024
_SALT_OCTETS = 16
_DIGEST_OCTETS = 32

_FORMAT = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{8,88})\$([A-Za-z0-9+/]{22,88})")
# RFC 4013 2.3
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """Return the form of a name or password in which it is compared (RFC 4013); ValueError says why it has none.

    Characters that Unicode 3.2 did not know yet are let through, as in a query.
    """
    if text.isascii():
        mapped = text
    else:
        mapped = "".join(
            " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
        )
        mapped = unicodedata.normalize("NFKC", mapped)
    for char in mapped:
        if any(is_prohibited(char) for is_prohibited in _PROHIBITED):
            raise ValueError(f"the character U+{ord(char):04X} is not allowed")
    if any(stringprep.in_table_d1(char) for char in mapped):
        # RFC 3454 6: no mixing of directions
        ends_differ = not (stringprep.in_table_d1(mapped[0]) and stringprep.in_table_d1(mapped[-1]))
        if ends_differ or any(stringprep.in_table_d2(char) for char in mapped):
            raise ValueError("letters from left to right and from right to left are mixed")
    return mapped


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A password's scrypt hash with its salt and cost; its text is the usual `$scrypt$ln=14,r=8,p=1$salt$hash`."""

    log2_rounds: int
    blocks: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """Hash a new password; ValueError when it is empty, too long or holds a character that it may not."""
        secret = _secret(password)
        salt = os.urandom(_SALT_OCTETS)
        digest = _scrypt(secret, salt, LOG2_ROUNDS, BLOCKS, PARALLEL, _DIGEST_OCTETS)
        return cls(LOG2_ROUNDS, BLOCKS, PARALLEL, salt, digest)

    @classmethod
    def parse(cls, text: str) -> PasswordHash:
        """Read the text of a hash; ValueError when it is none, or asks for more than MAX_MEMORY."""
        match = _FORMAT.fullmatch(text)
        if match is None:
            raise ValueError("this is no scrypt hash")
        log2_rounds, blocks, parallel = (int(number) for number in match.groups()[:3])
        memory = 128 * blocks << log2_rounds
        # OpenSSL takes 2**16 rounds and more only for blocks of 2 and more.
        if not (log2_rounds and blocks > 1 and 0 < parallel <= MAX_PARALLEL and memory <= MAX_MEMORY):
            raise ValueError("the cost of the scrypt hash makes no sense")
        try:
            return cls(log2_rounds, blocks, parallel, _from_base64(match[4]), _from_base64(match[5]))
        except binascii.Error as error:
            raise ValueError("the scrypt hash is no base64") from error

    def __str__(self) -> str:
        cost = f"ln={self.log2_rounds},r={self.blocks},p={self.parallel}"
        return f"$scrypt${cost}${_to_base64(self.salt)}${_to_base64(self.digest)}"

    def decoy(self) -> PasswordHash:
        """A hash of the same cost that no password has, to do the same work for a user that does not exist."""
        return PasswordHash(self.log2_rounds, self.blocks, self.parallel, self.salt, bytes(len(self.digest)))

    def matches(self, password: str) -> bool:
        """Whether this is the password. Keeps one core busy for some 40 ms, without the GIL."""
        try:
            secret, possible = _secret(password), True
        except ValueError:
            # takes as long as one that is wrong
            secret, possible = b"-", False
        digest = _scrypt(secret, self.salt, self.log2_rounds, self.blocks, self.parallel, len(self.digest))
        return hmac.compare_digest(digest, self.digest) and possible


#: stands for the users of an empty file
DECOY = PasswordHash(LOG2_ROUNDS, BLOCKS, PARALLEL, bytes(_SALT_OCTETS), bytes(_DIGEST_OCTETS))


def _secret(password: str) -> bytes:
    """The octets to hash; ValueError when nobody can have this password."""
    # Checked before SASLprep too, whose time grows with the square of the length in the worst case.
    secret = saslprep(password).encode() if len(password) <= MAX_PASSWORD else bytes(MAX_PASSWORD + 1)
    if not secret:
        raise ValueError("a password may not be empty")
    if len(secret) > MAX_PASSWORD:
        raise ValueError(f"a password may have no more than {MAX_PASSWORD} octets")
    return secret


def _scrypt(secret: bytes, salt: bytes, log2_rounds: int, blocks: int, parallel: int, octets: int) -> bytes:
    # OpenSSL wants room for a little more than the 128 * r * N octets of the definition.
    return hashlib.scrypt(
        secret,
        salt=salt,
        n=1 << log2_rounds,
        r=blocks,
        p=parallel,
        maxmem=MAX_MEMORY + (1 << 20),
        dklen=octets,
    )


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
