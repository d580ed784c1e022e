"""The commands: each is its flags and one call into the package.

`run` starts a command. The scripts of the checkout call it, `python -m`, and what pip installs.
"""
