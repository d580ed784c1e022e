"""Studies: variants of one config, trained, scored and put side by side."""
