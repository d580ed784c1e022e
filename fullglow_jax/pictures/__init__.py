"""Images, tables and pages to look at."""
