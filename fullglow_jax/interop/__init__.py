"""Imports of original weights, and checks against recorded values."""
