"""The parts that all networks are made of."""
