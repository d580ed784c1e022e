"""A stand-in for networks that look at photos."""

import numpy as np


class Colours:
    """Sees the mean colour."""

    name, digest, width, least = "colours", "colours", 3, 5

    def __init__(self):
        self.looked = 0

    def look(self, photos):
        self.looked += 1
        return [{"features": colour(photo), "logits": colour(photo)[:2]} for photo in photos]

    def distances(self, pairs):
        return [float(np.abs(colour(a) - colour(b)).sum()) for a, b in pairs]


def colour(photo):
    return photo.astype(np.float32).mean((0, 1)) / 50
