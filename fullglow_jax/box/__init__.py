"""Trained models that come with the package, each a folder of this one.

`runs/packaged.py` reads them, `python -m fullglow_jax.box` writes them.
"""
