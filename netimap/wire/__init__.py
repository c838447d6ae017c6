"""Bytes ↔ values of the IMAP grammar (RFC 3501 9): standard library only, no I/O."""
