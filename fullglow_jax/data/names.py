"""Names of files in one canonical form."""

import unicodedata


def canonical(text: str) -> str:
    """Unicode's composed form, NFC, which is the same for names that look the same.

    «é» is one character, or an «e» with an accent after it. It depends on the system that wrote
    a file's name: copies and archives of macOS have the second form, keyboards the first.
    """
    return unicodedata.normalize("NFC", text)
