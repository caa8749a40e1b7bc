"""One module per command of the CLI; the only room that may use every other."""
