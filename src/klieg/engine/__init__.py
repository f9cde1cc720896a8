"""The arithmetic of co-actions: an executable specification, and a compiled engine equal to it.

Importing this floor imports nothing: ``klieg.sockets`` finds an engine by its name. The floor
knows arrays of accounts, objects and times; it does not know posts, signals or findings.
"""
