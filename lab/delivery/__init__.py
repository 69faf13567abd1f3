"""CloudTrail's delivery: records → log files and signed digest files in a trail's bucket.

`routing` says which trails want a record, `log_file` and `digest` make the files, `journal` remembers across a kill,
`bucket` writes them, and `engine` does all of it when its clock says so.
"""
