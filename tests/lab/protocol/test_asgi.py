"""What is read of a request once, and read again when somebody made another request of it."""

from lab.protocol.asgi import as_read, call_in, headers_in

CALL = object()


def test_headers_and_call_are_those_that_were_read() -> None:
    read = {"host": "h"}
    scope = as_read({"headers": [(b"Host", b"h")]}, read, CALL)

    assert headers_in(scope) is read
    assert call_in(scope) is CALL
    assert call_in(as_read(scope, read)) is None


def test_of_changed_headers_nothing_is_known() -> None:
    scope = as_read({"headers": [(b"X-Amz-Target", b"A.One")]}, {"x-amz-target": "A.One"}, CALL)
    changed = {**scope, "headers": [(b"X-Amz-Target", b"A.Two")]}

    assert headers_in(changed) == {"x-amz-target": "A.Two"}
    assert call_in(changed) is None


def test_what_nobody_has_read_is_read() -> None:
    scope = {"headers": [(b"A", b"1"), (b"a", b"2")]}

    assert headers_in(scope) == {"a": "1,2"}
    assert call_in(scope) is None
