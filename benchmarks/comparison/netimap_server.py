"""Starts netimap to be measured: `netimap_server.py PORT PASSWORD memory|DIRECTORY`.

No TLS, and passwords compared in clear text: neither OpenSSL nor the cost of a password hash is what is compared here.
"""

from gevent import monkey

monkey.patch_all()

import hmac  # noqa: E402
import sys  # noqa: E402

import netimap  # noqa: E402


class ClearTextAuth(netimap.DefaultAuth):
    """One password for everybody."""

    def auth_plain(self, user, password):
        """Compare."""
        if not hmac.compare_digest(password.encode(), sys.argv[2].encode()):
            return False
        self.user(user)
        return True


def main():
    """Serve until SIGTERM."""
    port, _, store = sys.argv[1:4]
    if store == "memory":
        model = netimap.DefaultModel
    else:
        from netimap.storage.maildir import MaildirModel

        model = MaildirModel.at(f"{store}/%u/Maildir")
    netimap.Server(
        port=int(port),
        server_cert=None,
        server_key=None,
        allow_plaintext_login=True,
        auth_class=ClearTextAuth,
        model_class=model,
        log_level=0,
        # a thousand connections come from one address here
        max_connections_per_address=1_000_000,
    ).run()


main()
