"""The checker of response lines that the other tests rely on: tests/response_grammar.py."""

import pytest
from response_grammar import check


@pytest.mark.parametrize(
    "line",
    [
        b"* OK [UNSEEN 2] First unseen", b"* OK hello", b"a1 NO [TRYCREATE] no", b"* BYE [UNAVAILABLE] x", b"+ ",
        b"+ abc=", b"* FLAGS ()", b"* FLAGS (\\Seen $x)", b"* OK [PERMANENTFLAGS (\\Seen \\*)] x", b"* SEARCH",
        b"* SEARCH 1 23",
        b'* LIST (\\Noselect) "/" ""', b'* LSUB () NIL "a \\"b"', b'* STATUS "INBOX" (MESSAGES 0 UIDNEXT 1000)',
        b"* 0 EXISTS", b"* 1 EXPUNGE", b'* NAMESPACE (("" "/")) NIL NIL', b'* ID ("a" NIL)',
        b"* 1 FETCH (UID 5 FLAGS (\\Recent) RFC822.SIZE 0)", b'* 1 FETCH (INTERNALDATE " 1-Jan-2026 00:00:00 +0000")',
        b"* 1 FETCH (BODY[1.HEADER.FIELDS (From)]<0> {2}\r\n)( RFC822 NIL)",
        b'* 1 FETCH (ENVELOPE (NIL "s" ((NIL NIL "a" "b")(NIL NIL NIL NIL)) NIL NIL NIL NIL NIL NIL NIL))',
        b'* 1 FETCH (BODY (("text" "plain" NIL NIL NIL "7bit" 5 1)("a" "b" ("n" "v") NIL NIL "8bit" 0) "mixed"))',
        b'* 1 FETCH (BODYSTRUCTURE ("a" "b" NIL NIL NIL "7bit" 5 NIL ("inline" NIL) ("en" "de") NIL))',
    ],
)  # fmt: skip
def test_lines_of_the_grammar(line):
    check(line)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"* ", b"hello", b"* OK", b"* OK ", b"a OK", b"* OK [UNSEEN 0] x", b"* OK [UIDNEXT 0] x", b"* OK \xff",
        b"a OK x\ty",
        b"* 0 EXPUNGE", b"* -1 EXISTS", b"* FLAGS \\Seen", b"* FLAGS (\\Seen  x)", b"* SEARCH 0", b"* SEARCH 1  2",
        b'* LIST "/" "x"', b'* LIST () "/" "a"b"', b'* LIST () "//" "a"', b"* STATUS INBOX (MESSAGES)", b'* ID ("a")',
        b"* 0 FETCH (UID 5)", b"* 1 FETCH ()", b"* 1 FETCH (UID 0)", b"* 1 FETCH (UID 5 UID 5)", b"* 1 FETCH (UID 5",
        b"* 1 FETCH (UID 5)x", b"* 1 FETCH (FLAGS \\Seen)", b"* 1 FETCH (RFC822.SIZE -1)", b"* 1 FETCH (BODY[] x)",
        b"* 1 FETCH (BODY[] {3}\r\nab)", b"* 1 FETCH (BODY[] {1}\r\n\0)", b'* 1 FETCH (BODY[] "a\r\nb")',
        b'* 1 FETCH (INTERNALDATE "Thu, 1 Jan 2026 00:00:00 +0000")', b"* 1 FETCH (ENVELOPE (NIL NIL))",
        b'* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL "a" "b") (NIL NIL NIL NIL)) NIL NIL NIL NIL NIL NIL NIL))',
        b'* 1 FETCH (BODY ("text" "plain" NIL NIL NIL "7bit" 5))', b'* 1 FETCH (BODY ("a" "b" NIL NIL NIL NIL 5))',
        b'* 1 FETCH (BODY ("a" "b" NIL NIL NIL "7bit" "5"))', b'* 1 FETCH (BODY ("a" "b" () NIL NIL "7bit" 5))',
        b'* 1 FETCH (BODY (("a" "b" NIL NIL NIL "7bit" 5) ("a" "b" NIL NIL NIL "7bit" 5) "mixed"))',
        b'* 1 FETCH (BODY ("a" "b" NIL NIL NIL "7bit" 5 NIL))', b"* 1 FETCH (ENVELOPE NIL)",
    ],
)  # fmt: skip
def test_other_lines(line):
    with pytest.raises(AssertionError):
        check(line)
