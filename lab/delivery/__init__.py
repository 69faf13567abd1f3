"""CloudTrail's delivery: from records to log files and signed digest files in a trail's bucket.

`selectors` decides which records a trail wants, `log_file` and `digest` make the files, `journal` stores everything
that the end of the process must not lose, `bucket_writer` writes the files as CloudTrail may, and `engine` does all of
it when it is due. May import `authorization`, `clock`, `cryptography`, `ministack` and `settings`. It does not know
what a call is. Open `engine.py` first.
"""
