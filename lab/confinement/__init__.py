"""What the server process cannot do, whatever a caller sends: run code, make outgoing calls, open other files.

`imports` and `process` hold for every cause, known or not; the other modules give the known causes an error that a
learner understands, and bound what is decompressed.
May import `cloudformation`, `errors`, `hypercorn`, `ministack`, `protocol` and `yaml`. Open `process.py` first.
"""
