"""What a SASL mechanism sends to the client."""


class Challenge(bytes):
    """A server challenge, not yet in base64: `Challenge(b"…")`."""
