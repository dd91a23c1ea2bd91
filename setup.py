"""Build the C engine; all else is in pyproject.toml.

Switches, read from the environment:

AIOFILES_C_REQUIRE=1       fail if the engine does not build, instead of
                           installing without it
AIOFILES_C_WERROR=1        warnings are errors; implies the above
AIOFILES_C_DEBUG=1         no optimization, assertions, fault injection
AIOFILES_C_SANITIZE=a,b    compile and link with -fsanitize=a,b
AIOFILES_C_PORTABLE=1      use POSIX calls only
AIOFILES_C_COVERAGE=1      count, for gcov, which lines are run
"""

import os
import sys
from glob import glob

from setuptools import Extension, setup

COMPILE = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-fvisibility=hidden",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wvla",
]


def switch(name):
    return os.environ.get("AIOFILES_C_" + name, "0") not in ("", "0")


def engine():
    compile_args, link_args = [*COMPILE], ["-pthread"]
    if switch("DEBUG"):
        # Python's own flags carry -DNDEBUG and -O3.
        compile_args += ["-O0", "-g3", "-UNDEBUG", "-DAIOF_DEBUG"]
    else:
        # Loops over characters in utf8.c are made those over vectors.
        compile_args += ["-O3"]
        if sys.platform.startswith("linux"):
            # Calls of Python go straight there, without a stub.
            compile_args += ["-fno-plt"]
    if switch("PORTABLE"):
        compile_args += ["-DAIOF_PORTABLE"]
    if switch("WERROR"):
        compile_args += ["-Werror"]
    if switch("COVERAGE"):
        compile_args += ["--coverage", "-fprofile-update=atomic"]
        link_args += ["--coverage"]
    if switch("SANITIZE"):
        sanitize = "-fsanitize=" + os.environ["AIOFILES_C_SANITIZE"]
        compile_args += [sanitize, "-fno-omit-frame-pointer"]
        link_args += [sanitize]
    return Extension(
        "aiofiles_c._core",
        sources=sorted(glob("csrc/*.c")),
        depends=sorted(glob("csrc/*.h")),
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        optional=not (switch("REQUIRE") or switch("WERROR")),
    )


setup(
    # The engine is written for POSIX; elsewhere the package does without it.
    ext_modules=[engine()] if os.name == "posix" else [],
    # What an earlier build left may have been made with other switches.
    options={"build_ext": {"force": True}},
)
