"""Reports of evaluations, for programs, documents and people."""
