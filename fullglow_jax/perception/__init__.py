"""Networks that are asked what they see in pictures: pure functions of weights read from files."""
