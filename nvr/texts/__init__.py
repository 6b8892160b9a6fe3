"""What the server itself says to people, in Indonesian and English: reports and statements.

The page has words of its own (``nvr/web/src/shared/i18n``); logs, errors and the API's codes are English. One module
per language, all with the same keys: ``Words`` is what a language must have, and a missing one is a type error.
"""

from nvr.texts.formats import Formats
from nvr.texts.words import LANGUAGES, Language, Words, words

__all__ = ["LANGUAGES", "Formats", "Language", "Words", "words"]
