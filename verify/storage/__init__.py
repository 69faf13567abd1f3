"""Where delivered files are: an S3 bucket, or a folder with a copy of one."""
