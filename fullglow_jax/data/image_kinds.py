"""Formats of images: one list for data sets, scored folders and uploads."""

from functools import cache

from PIL import Image, ImageFile, features

_NOT_DECODED = frozenset(("EPS", "MPEG"))
"""Formats whose header Pillow knows, but which it does not decode itself."""

_CODECS = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
"""Formats that only some builds of Pillow decode."""


@cache
def image_formats() -> tuple[str, ...]:
    """The formats that this Pillow decodes by itself, by its names, for example "PNG"."""
    Image.init()
    return tuple(name for name in Image.ID if _decodes(name))


@cache
def image_suffixes() -> frozenset[str]:
    """The suffixes of these formats, in lower case, each with its dot."""
    # An .mpo is a JPEG with more views after it, and is opened as a JPEG.
    formats = {*image_formats(), "MPO"}
    registered = Image.registered_extensions().items()
    return frozenset(suffix.lower() for suffix, name in registered if name in formats)


def _decodes(name: str) -> bool:
    factory, _ = Image.OPEN[name]
    if isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile):
        return False  # Pillow knows only its header, for example HDF5
    return name not in _NOT_DECODED and (name not in _CODECS or bool(features.check(_CODECS[name])))
