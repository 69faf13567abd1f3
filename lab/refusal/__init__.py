"""What CloudTrail refuses: may its service principal write to a bucket, use a key; is a trail's name or selector valid.

Pure: facts about a bucket and a key go in, an AWS exception or nothing comes out.
"""
