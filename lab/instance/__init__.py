"""One lab on this machine, seen from outside: its folder, its process, its socket, its environment and its user.

Imports `endpoint`, `errors`, `handshake`, `private_files` and `settings`, and nothing of the server process.
Open `lifecycle.py` first.
"""
