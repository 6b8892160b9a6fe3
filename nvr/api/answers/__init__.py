"""How answers leave: whole or in parts, compressed, with their tags; the files of the page."""
