"""Compiles the wrapper into the wheel."""

import runpy
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_COMPILE = runpy.run_path(str(Path(__file__).with_name("compile.py")))


class CompiledWrapper(BuildHookInterface[Any]):
    """The two libraries, for the platform that the wheel is built on."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them and name the platform."""
        if not sys.platform.startswith("linux"):
            raise SystemExit(f"ringtime-filters wraps shared libraries of Linux; this is {sys.platform}")
        self._folder = tempfile.TemporaryDirectory()
        into = Path(self._folder.name)
        try:
            libraries = _COMPILE["compile_wrapper"](Path(self.root), into=into)
        except OSError as error:
            raise SystemExit(f"no C compiler: {error}; install gcc or clang, or name one in CC") from None
        except subprocess.CalledProcessError:
            raise SystemExit("the wrapper does not compile; the compiler's reason is above") from None
        build_data["force_include"] |= {str(path): f"ringtime_filters/{path.name}" for path in libraries}
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled: it is in the wheel."""
        self._folder.cleanup()
