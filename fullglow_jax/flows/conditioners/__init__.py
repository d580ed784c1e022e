"""Networks that turn a condition into parameters of a bijection."""
