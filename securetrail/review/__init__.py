"""The review of a change: which access it gives and which protection it takes away, from two cloud assemblies.

Pure but for ``template.assembly``, which reads the files. Makes no call to AWS and needs no credentials.

Open ``access`` for how policies are compared, ``template`` for how templates are read.
"""
