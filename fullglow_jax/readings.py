"""Readings of texts whose separators may also be part of names."""

from collections.abc import Callable

Reading = tuple[str, ...]


def readings(
    text: str, separator: str, known: Callable[[str], bool], *, most: int | None = None
) -> list[Reading]:
    """All ways to split a text at some of its separators into known parts.

    Args:
        text: For example "a:b", "Main St, 5th.png,photo.png".
        separator: One character.
        known: Whether there is something of this name.
        most: The largest number of parts; None for any number.

    Returns:
        The parts of each way; empty if there is none.
    """
    found: list[Reading] = [(text,)] if known(text) else []
    if most == 1:
        return found
    fewer = None if most is None else most - 1
    pieces = text.split(separator)
    for place in range(1, len(pieces)):
        first = separator.join(pieces[:place])
        if known(first):
            rest = separator.join(pieces[place:])
            found += [(first, *others) for others in readings(rest, separator, known, most=fewer)]
    return found
