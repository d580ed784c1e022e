"""What pyproject.toml cannot say: in a wheel, the folder configs/ is fullglow_jax.configs."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["fullglow_jax*"]), "fullglow_jax.configs"],
    package_dir={"fullglow_jax.configs": "configs"},
)
