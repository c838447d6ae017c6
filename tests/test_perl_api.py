"""The public API of PERL-API.md: every name is there and takes what it took. Overrides: test_perl_model, _session."""

import inspect

import pytest
from serving import no_errors, serve  # noqa: F401

from netimap import Command, Connection, DefaultAuth, DefaultModel, Error, Mailbox, Message, Server

RAW = b"Subject: hello\r\n\r\nbody\r\n"

#: class → how each of its methods is called, in the words of PERL-API.md
CALLS = {
    Server: """
        port() port(1) ssl_port() ssl_port(1) auth_class() auth_class(1) model_class() connection_class()
        command_class()
        poll_every() poll_every(1) unauth_idle() unauth_idle(1) auth_idle() auth_idle(1) unauth_commands()
        unauth_commands(1) run() run(port=1) process_request(1,2) connections() connection() connection(None)
        concurrent_mailbox_connections() concurrent_mailbox_connections(1) concurrent_user_connections()
        concurrent_user_connections(1) capability() id() add_command(1,2) log(1,2) write_to_log_hook(1,2)
    """,
    Connection: """
        server() coro() coro(1) io_handle() io_handle(1) model() model(1) timer() timer(1) commands() commands(1)
        pending() pending(1) selected_read_only() selected_read_only(1) last_poll() last_poll(1) previous_exists()
        auth() auth(1) client_id() client_id(name=1) selected() selected(1) selected(1,2) greeting() handle_lines()
        update_timer() handle_command(1) class_for(1) parse_command(1) close() is_unauth() is_auth() is_selected()
        is_encrypted() poll() force_poll() send_untagged() send_untagged(expunged=1) get_messages(1) sequence(1)
        capability() log(1,2) untagged_response(1) untagged_response(1,2) out(1)
    """,
    Command: """
        server() connection() command_id() options_str() command() validate() run() has_literal() parse_options()
        parse_options(1) parsed_options() data_out(1) untagged_response(1,2) tagged_response(1,2) poll_after()
        send_untagged() send_untagged(expunged=1) ok_command(1) ok_command(1,code=2) ok_completed() ok_completed(code=1)
        no_command(1) no_command(1,code=2) bad_command(1) valid_mailbox(1) log(1,2) out(1)
    """,
    DefaultAuth: "user() user(1) provides_plain() auth_plain(1,2) sasl_provides() sasl_plain()",
    DefaultModel: "auth() auth(1) root() root(1) init() close() split(1) lookup(1) namespaces()",
    Mailbox: """
        is_inbox() is_inbox(1) parent() parent(1) children() children(1) uidnext() uidnext(1) uids() uidvalidity()
        uidvalidity(1) messages() messages(1) subscribed() subscribed(1) is_selectable() is_selectable(1) init()
        load_data() name() name(1) poll() add_message(1) add_child(name=1) create(name=1) reparent(1) reparent(1,2)
        delete() expunge() expunge(1) append(1) select() close() separator() full_path() full_path(purge=1) flags()
        can_set_flag(1) exists() recent() first_unseen() unseen() permanentflags() status(1,2) read_only() selected()
        get_uids(1) get_messages(1) update_tree() prep_for_destroy()
    """,
    Message: """
        sequence() mailbox() mailbox(1) uid() uid(1) mime() mime(1) expunged() expunged(1) internaldate()
        internaldate(1) epoch_day_utc() date() date_day_utc() expunge() copy_allowed(1) copy(1) session_flags()
        set_flag(1) set_flag(1,silent=2) clear_flag(1) clear_flag(1,silent=2) has_flag(1) flags() store(1,2)
        mime_header() fetch(1) mime_select(1,2,3,4) mime_bodystructure(1) address_envelope(1) mime_envelope()
        prep_for_destroy()
    """,
}


@pytest.mark.parametrize(
    ("cls", "call"), [(cls, call) for cls, calls in CALLS.items() for call in calls.split()],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)  # fmt: skip
def test_every_method_is_there_and_takes_its_arguments(cls, call):
    name, _, rest = call.removesuffix(")").partition("(")
    given = [argument.partition("=") for argument in rest.split(",") if argument]
    positional = [one for one, equals, _ in given if not equals]
    keywords = {one: value for one, equals, value in given if equals}
    method = inspect.getattr_static(cls, name)
    if isinstance(method, classmethod):
        inspect.signature(method.__func__).bind(cls, *positional, **keywords)
    else:
        # a method of its own, so that a subclass overrides it
        function = getattr(method, "function", method)
        assert inspect.isfunction(function)
        inspect.signature(function).bind(object(), *positional, **keywords)


def test_message_is_made_of_octets():
    assert Message(RAW).raw() == RAW


def test_error_is_a_command():
    assert issubclass(Error, Command)


# --- the smallest plugin ---


def test_three_methods_make_a_server_of_mail(serve):  # noqa: F811
    class Auth(DefaultAuth):
        def auth_plain(self, user, password):
            self.user(user)
            return password == "secret"

    class Box(Mailbox):
        def load_data(self):
            if self.is_inbox():
                self.add_message(Message(RAW))

    class Model(DefaultModel):
        def init(self):
            self.root(Box())
            self.root().add_child(name="INBOX", is_inbox=True)

    client = serve(auth_class=Auth, model_class=Model).connect("bob", "secret")
    assert client.ok("SELECT INBOX").of("EXISTS") == [b"* 1 EXISTS"]
    client.ok("STORE 1 +FLAGS (\\Seen Work)")
    client.ok("CREATE there")
    client.ok("COPY 1 there")
    assert client.ok("STATUS there (MESSAGES UNSEEN)").of("STATUS") == [b'* STATUS "there" (MESSAGES 1 UNSEEN 0)']
    assert client.ok("SEARCH KEYWORD work SINCE 1-Jan-2020").of("SEARCH") == [b"* SEARCH 1"]
    assert client.ok("FETCH 1 INTERNALDATE").fetched()[1]["INTERNALDATE"].endswith(b"+0000")
