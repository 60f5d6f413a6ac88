"""The command line: everything an operator or an analyst does, `--json` for programs.

Each module has a `register` that adds its commands. What a command needs is imported when it
runs, so that `counterfoil --help` answers at once.
"""
