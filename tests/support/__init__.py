"""What the tests share; nothing here imports aiofiles_c or pytest.

`content`     bytes of files, described rather than spelled out
`outcome`     a result or an exception, in a form that can be compared
`model`       one case run on built-in open and on a library, side by side
`strategies`  hypothesis strategies for such cases
`tables`      what the tables of bad input share
`examples`    how many examples a property is tested with
`waiting`     waits that end
`gate`        holds the workers of the pool
`child`       a fresh interpreter that runs a piece of code
`heartbeat`   how long a loop stood still
`mount`       file systems that are slow, or fail: a FUSE of our own (`fuse`)
"""
