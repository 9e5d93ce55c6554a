"""What could not be listened on is named in the error."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(what: str) -> Iterator[None]:
    """An OSError of the block says what could not be had."""
    try:
        yield
    except OSError as error:
        raise type(error)(f"{what}: {error}") from error
