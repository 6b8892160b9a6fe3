"""What holds for every text of every body, whichever route it comes by: no control characters, no invisible marks.

Which fields are one line and which may be several is for those who keep them (``storage/texts.py``). Invariant: no
handler sees a text that could do something to a terminal; a new route needs no thought for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nvr.api.http.errors import ApiError
from storage.sentences import Sentence
from storage.texts import wrong_in

__all__ = ["check_texts"]


def check_texts(body: Any, name: str = "") -> None:
    """Lets a decoded body through.

    Raises:
        ApiError: ``invalid_request``: a text of it holds what may stand in none.
    """
    if isinstance(body, str):
        # Files that were saved by a spreadsheet begin with a mark, and end lines in two characters.
        wrong = wrong_in(body.removeprefix("\ufeff").replace("\r", "\n"), lines=True)
        if wrong is not None:
            raise ApiError(
                "invalid_request",
                Sentence(
                    "{name} holds a character that may stand in no text: {wrong}",
                    name=name or Sentence("the body"),
                    wrong=wrong,
                ),
            )
    elif isinstance(body, msgspec.Struct):
        for field in body.__struct_fields__:
            check_texts(getattr(body, field), f"{name}.{field}" if name else field)
    elif isinstance(body, Mapping):
        for key, value in body.items():
            check_texts(key, f"a name in {name or 'the body'}")
            check_texts(value, name)
    elif isinstance(body, Sequence) and not isinstance(body, bytes | bytearray):
        for value in body:
            check_texts(value, name)
