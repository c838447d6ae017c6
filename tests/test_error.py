"""netimap.error: what answers for a command that cannot be loaded."""

from netimap import Command, Error


def test_answers_no_and_nothing_about_why():
    class Connection:
        lines = ()

        def out(self, line):
            self.lines += (line,)

    connection = Connection()
    command = Error(connection=connection, command_id="a1", command="Search", options_str="TEXT secret")
    assert command.validate() is True
    command.run()
    assert connection.lines == (b"a1 NO [SERVERBUG] Server error",)
    assert isinstance(command, Command)
