"""What evaluations found, for a program, a document, and a person to look at."""
