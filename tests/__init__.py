"""The tests of aiofiles_c: one file per public module, one per hazard."""
