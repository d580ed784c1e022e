"""The movement of any model's parameters: optimiser, learning rate, moving average."""
