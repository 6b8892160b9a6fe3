"""Text that must not be seen: it prints as ``***`` and leaves only by being asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.sentences import Sentence

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, SerializationInfo
    from pydantic_core import CoreSchema

__all__ = ["REVEAL", "Secret"]

# The serialisation context under which secrets are written out: the pipe to a child process, nothing else.
REVEAL = {"reveal_secrets": True}


class Secret:
    """A password. ``repr``, ``str``, formatting and serialisation give ``***``; ``reveal()`` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: only for the wire to the camera or to a child process."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Recorders keep passwords, and check none.
        from pydantic_core import core_schema

        def serialise(secret: Secret, info: SerializationInfo) -> str:
            return secret.reveal() if info.context == REVEAL else repr(secret)

        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(serialise, info_arg=True),
        )

    @classmethod
    def _validate(cls, value: object) -> Secret:
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str):
            raise ValueError(Sentence("must be text; put it in quotes"))
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
            raise ValueError(Sentence("holds a control character, such as a line end; remove it"))
        return cls(value)
