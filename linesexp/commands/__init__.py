"""The commands of the command line: parse, call one function, print what to look at next."""
