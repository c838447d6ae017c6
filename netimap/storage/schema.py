"""The tables of the index, and how an older index becomes a newer one. Every key leads with the account."""

from __future__ import annotations

#: the `PRAGMA user_version` of an index that has all of MIGRATIONS
VERSION = 1

#: step n makes version n + 1 of version n; a step that has been released never changes
MIGRATIONS = (
    """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        -- the last one given to a mailbox: a name that is used again gets a larger one (RFC 3501 2.3.1.1)
        uidvalidity INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE mailboxes (
        account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
        id INTEGER NOT NULL,
        -- the whole path as text, parts separated by "/"
        name TEXT NOT NULL,
        -- 0: only a name, kept because mailboxes below it remained when it was deleted (RFC 3501 6.3.4)
        selectable INTEGER NOT NULL DEFAULT 1,
        uidvalidity INTEGER NOT NULL,
        uidnext INTEGER NOT NULL DEFAULT 1,
        highestmodseq INTEGER NOT NULL DEFAULT 1,
        -- messages from this UID on are \\Recent for the next session
        first_recent INTEGER NOT NULL DEFAULT 1,
        -- where the store keeps the bodies; moving_to: a RENAME that has not reached the disk yet
        place BLOB,
        moving_to BLOB,
        -- how the store recognises that nothing happened since it last looked
        stamp TEXT,
        PRIMARY KEY (account, id),
        UNIQUE (account, name)
    ) WITHOUT ROWID;
    CREATE TABLE subscriptions (
        account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
        name TEXT NOT NULL,
        PRIMARY KEY (account, name)
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        account INTEGER NOT NULL,
        mailbox INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        -- system flags as bits, keywords separated by spaces
        flags INTEGER NOT NULL,
        keywords TEXT NOT NULL,
        modseq INTEGER NOT NULL,
        -- seconds since 1970 UTC, minutes east of UTC
        internaldate INTEGER NOT NULL,
        zone INTEGER NOT NULL,
        -- octets with CRLF line ends; NULL: not counted yet
        size INTEGER,
        -- what the store finds the octets by
        body BLOB NOT NULL,
        PRIMARY KEY (account, mailbox, uid),
        FOREIGN KEY (account, mailbox) REFERENCES mailboxes (account, id) ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE structures (
        account INTEGER NOT NULL,
        mailbox INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        -- as they go over the wire; NULL: nobody has asked for it yet
        envelope BLOB,
        body BLOB,
        bodystructure BLOB,
        PRIMARY KEY (account, mailbox, uid),
        FOREIGN KEY (account, mailbox, uid) REFERENCES messages (account, mailbox, uid) ON DELETE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE expunged (
        account INTEGER NOT NULL,
        mailbox INTEGER NOT NULL,
        modseq INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        PRIMARY KEY (account, mailbox, modseq, uid),
        FOREIGN KEY (account, mailbox) REFERENCES mailboxes (account, id) ON DELETE CASCADE
    ) WITHOUT ROWID;
    """,
)
