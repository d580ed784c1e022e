"""The site of the documents: what mkdocs.yml needs beside the pages, and the commands in them."""
