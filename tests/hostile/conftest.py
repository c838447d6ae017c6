"""Every test here fails when anything is logged as an error: no input of a client may do that."""

from serving import no_errors, serve  # noqa: F401
