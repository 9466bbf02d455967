"""Requests whose body broke off are refused as a whole.

A server hands what arrived of a body to the application and then says that it is at its end, also where the connection
broke in the middle. Read as if it were whole, a visit would be recorded without its photo.
"""

from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class BrokenOffError(OSError):
    """The body ended before the length that its head announced. Django answers it as an unreadable request."""


class WholeBody:
    """An input that knows how much it owes."""

    def __init__(self, stream: Any, length: int) -> None:
        self.stream, self.owed = stream, length

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or all that is owed; raises BrokenOffError at an end that comes too early.

        Never less: an ordinary form is read at once, and a part of it would pass for the whole.
        """
        wanted = self.owed if size < 0 else min(size, self.owed)
        parts = []
        while wanted > 0:
            part = self._taken(self.stream.read(wanted), wanted)
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def readline(self, size: int = -1) -> bytes:
        """As of any input; raises BrokenOffError at an end that comes too early."""
        return self._taken(self.stream.readline(size), size)

    def _taken(self, content: bytes, size: int) -> bytes:
        self.owed -= len(content)
        if not content and size != 0 and self.owed > 0:
            raise BrokenOffError(f"{self.owed} bytes are missing")
        return content


def whole_bodies(application: Application) -> Application:
    """``application``, reading bodies to their announced end or not at all."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            environ["wsgi.input"] = WholeBody(environ["wsgi.input"], int(length))
        return application(environ, start_response)

    return guarded
