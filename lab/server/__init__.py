"""The server process: who may call, in which order a request is handled, and how the process is put together.

Imports every folder below it (see ORDER in tests/test_architecture.py) and nothing of `cli`, `scenarios` and
`instance`, which start it and talk to it over HTTP.
Open `application.py` for the list of steps, `gateway.py` for the way of a request.
"""
