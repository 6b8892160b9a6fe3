"""What all imports of cameras have in common, whatever table they are of: it is read as text, and all of it is done, or
with one mistake in it nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from nvr.api.http.errors import ApiError
from nvr.api.http.services import Services
from nvr.cameras import ImportPlan, LineError, OvertakenError
from storage.sentences import Sentence, sentence_of

__all__ = ["done_or_planned", "is_yes", "refusal", "table_text"]

_YES_OR_NO: Final = ("yes", "no")


def is_yes(name: str, text: str) -> bool:
    """A parameter of that name that is ``yes`` or ``no``.

    Raises:
        ApiError: it is neither.
    """
    if text not in _YES_OR_NO:
        raise ApiError(
            "invalid_parameter", Sentence("{name} must be one of {known}", name=name, known=", ".join(_YES_OR_NO))
        )
    return text == "yes"


def table_text(data: bytes) -> str:
    """The text of a CSV file.

    Raises:
        ApiError: it is not UTF-8, from this line on.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        wrong = LineError(line, "", Sentence("is not UTF-8 from here on: save the file as CSV UTF-8"))
        raise refusal([wrong]) from None


def refusal(errors: Sequence[LineError]) -> ApiError:
    """The answer that a table has these mistakes."""
    detail = Sentence(
        "{count} {count:mistake|mistakes}; nothing was changed. First: {first}",
        count=len(errors),
        first=errors[0].sentence,
    )
    found = [{"field": wrong.place, "message": wrong.message} for wrong in errors]
    return ApiError("invalid_table", detail, extra={"errors": found})


def done_or_planned(
    services: Services,
    plan: Callable[[sqlite3.Connection], ImportPlan],
    do: Callable[[], ImportPlan],
    *,
    dry_run: bool,
) -> ImportPlan:
    """What ``do`` did, or with ``dry_run`` would do by ``plan``.

    Raises:
        ApiError: it has mistakes; or others changed the same cameras meanwhile.
    """
    if dry_run:
        with services.db.read() as conn:
            found = plan(conn)
    else:
        try:
            found = do()
        except OvertakenError as error:
            services.on_cameras_changed()
            raise ApiError("plan_changed", sentence_of(error)) from None
    if found.errors:
        raise refusal(found.errors)
    if not dry_run and (found.added or found.changed):
        services.on_cameras_changed()
    return found
