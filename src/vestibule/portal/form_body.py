"""Form bodies, `application/x-www-form-urlencoded` only."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from vestibule.portal.problem import Problem

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 40

Fields = list[tuple[str, str]]


async def form_fields(request: Request) -> Fields:
    """The fields in their order. Raises Problem 415 or 400."""
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated != _MEDIA_TYPE:
        raise Problem(415, f"Send {_MEDIA_TYPE}.")
    return fields_of(await request.body())


def fields_of(encoded: bytes | str) -> Fields:
    """The fields of a query or body. Raises Problem 400."""
    try:
        text = encoded.decode("ascii") if isinstance(encoded, bytes) else encoded
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Problem(400, "The form can't be read.") from error
