"""The server process: who may call, in which order a request is handled, and how the process is put together.

May import `authorization`, `clock`, `cloudformation`, `cloudtrail`, `confinement`, `cryptography`, `delivery`,
`endpoint`, `errors`, `handshake`, `hypercorn`, `ministack`, `private_files`, `protocol`, `records`, `services` and
`settings`. It imports nothing of `cli`, `scenarios` and `instance`, which start it and talk to it over HTTP.
Open `application.py` for the list of steps, `gateway.py` for the way of a request.

On that way are `routing`, `bodies`, `signatures`, `authentication`, `callers`, `validation` and `exchange`, with
`cbor_calls` and `key_uses`; `application` puts it together, with `extensions` of MiniStack, `persistence` and `pages`.
"""
