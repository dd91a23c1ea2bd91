"""A pipe of which a file takes an end: see the fixture `pipe`."""


def take(pipe, number):
    """Hand an end of the pipe over to a file."""
    end, pipe[number] = pipe[number], None
    return end
