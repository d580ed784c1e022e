"""The original's weights in, and its recorded values to verify against."""
