"""What the product says to people: a catalogue a language (``languages/``) for the page and for what the server writes
itself, and how times, lengths and numbers are written. Logs are English."""

from nvr.texts.formats import Formats
from nvr.texts.words import LANGUAGES, Language, Words, accepted, say, words

__all__ = ["LANGUAGES", "Formats", "Language", "Words", "accepted", "say", "words"]
