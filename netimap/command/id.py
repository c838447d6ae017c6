"""ID (RFC 2971)."""

from ..exceptions import Bad
from ..wire.arguments import astring, nstring
from .base import Command

#: RFC 2971 3.3: at most 30 pairs, a name of at most 30 octets, a value of at most 1024
MAX_PAIRS, MAX_NAME, MAX_VALUE = 30, 30, 1024


class Id(Command):
    """Exchanges who client and server are."""

    capabilities = ("ID",)

    def validate(self) -> bool:
        """Read the client's pairs."""
        (given,) = self.options(1, 1)
        if isinstance(given, str) and given.upper() == "NIL":
            self.args = [{}]
            return True
        if not isinstance(given, list) or len(given) % 2:
            raise Bad("ID takes NIL or a list of pairs")
        if len(given) > 2 * MAX_PAIRS:
            raise Bad(f"ID takes {MAX_PAIRS} pairs at most", "LIMIT")
        pairs = {}
        for name, value in zip(given[::2], given[1::2], strict=True):
            key, text = astring(name), nstring(value)
            if len(key) > MAX_NAME or len(text or b"") > MAX_VALUE:
                raise Bad("Too long a name or value in ID", "LIMIT")
            if key.lower() in pairs:
                raise Bad("A name stands twice in ID")
            pairs[key.lower()] = None if text is None else text.decode("utf-8", "replace")
        self.args = [{key.decode("utf-8", "replace"): text for key, text in pairs.items()}]
        return True

    def run(self) -> None:
        """Remember the client's, tell ours."""
        self.connection().client_id(**self.args[0])
        if self.args[0]:
            self.log(3, f"client id {self.args[0]!r}")
        pairs = [item for pair in self.server().id().items() for item in pair]
        self.tagged_response(self.data_out(pairs or None))
        self.ok_completed()
