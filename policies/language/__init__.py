"""The policy language: text in, typed documents or a list of problems out. Pure; knows no database."""
