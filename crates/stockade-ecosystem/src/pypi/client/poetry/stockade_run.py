"""Points Poetry at a gateway for one run.

Poetry has no setting for the index that is built into it, and what a project writes into its own files for another one ends
up in its lockfile. So this is a plugin, which is how Poetry lets itself be changed: where it would ask its built-in index, it
asks the gateway, and everything else, the lockfile above all, is as it was.

Poetry keeps what it has fetched and installs it again without asking anybody. So for this run it keeps that in a folder of
its own.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from poetry.config.config import Config
from poetry.plugins.application_plugin import ApplicationPlugin
from poetry.repositories.pypi_repository import PyPiRepository
from poetry.utils.authenticator import Authenticator

INDEX = os.environ["STOCKADE_POETRY_INDEX"]
RUN = os.environ["STOCKADE_POETRY_RUN"]
KEPT = ("artifacts_cache_directory", "repository_cache_directory")


class Gateway(ApplicationPlugin):
    def activate(self, application):
        ask_the_gateway()
        keep_nothing()
        name_the_run()


def ask_the_gateway():
    create = PyPiRepository.__init__

    def pointed(self, url=INDEX, **others):
        create(self, INDEX, **others)

    PyPiRepository.__init__ = pointed


def keep_nothing():
    if not all(hasattr(Config, name) for name in KEPT):
        raise RuntimeError("stockade: this Poetry cannot be told where to keep what it fetches; Poetry 2 can")
    folder = tempfile.mkdtemp(prefix="stockade-poetry-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in KEPT:
        setattr(Config, name, property(lambda self, name=name: Path(folder, name)))


def name_the_run():
    create = Authenticator.create_session

    def named(self):
        session = create(self)
        session.headers["User-Agent"] += " " + RUN
        return session

    Authenticator.create_session = named
