"""Downloads releases from the index that pip is set up for, without building anything.

Standard input has lines of a name and versions; the argument is the folder. Of each release: the source distribution,
and the wheel that pip would take on this machine, pure before binary.
"""

import hashlib
import sys
import time
from pathlib import Path

from pip._internal.commands import create_command
from pip._vendor.packaging.version import Version

PAUSE = 0.3
LARGEST = 60 << 20
LARGEST_OLD_SDIST = 5 << 20


def chosen(candidates):
    sdists = [each for each in candidates if each.link.filename.endswith((".tar.gz", ".zip"))]
    wheels = [each for each in candidates if each.link.is_wheel]
    sdists.sort(key=lambda each: not each.link.filename.endswith(".tar.gz"))

    def rank(each):
        name = each.link.filename
        return (not name.endswith("-any.whl"), "cp311-cp311" not in name, "manylinux" not in name, name)

    return sdists[:1] + sorted(wheels, key=rank)[:1]


def download(session, link, folder, limit):
    """Downloads one file and checks it against the index. Whether it did."""
    response = session.get(link.url_without_fragment, stream=True, headers={"Accept-Encoding": "identity"})
    response.raise_for_status()
    if int(response.headers.get("Content-Length", "0")) > limit:
        response.close()
        return
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{link.filename}"
    digest = hashlib.sha256()
    with open(part, "wb") as file:
        for block in response.raw.stream(1 << 16, decode_content=False):
            digest.update(block)
            file.write(block)
    if link.hash_name == "sha256" and link.hash != digest.hexdigest():
        part.unlink()
        raise ValueError("not the bytes that the index names")
    part.rename(folder / link.filename)


def main(root):
    command = create_command("download")
    with command.main_context():
        options, _ = command.parse_args(["--no-cache-dir", "x"])
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        for line in sys.stdin:
            name, *versions = line.split()
            found = finder.find_all_candidates(name)
            for version in versions:
                of_version = [each for each in found if each.version == Version(version)]
                for candidate in chosen(of_version):
                    is_old_sdist = not candidate.link.is_wheel and version != versions[-1]
                    limit = LARGEST_OLD_SDIST if is_old_sdist else LARGEST
                    try:
                        download(session, candidate.link, Path(root) / name / version, limit)
                    except Exception as problem:
                        print(f"  refused: {name} {version}: {type(problem).__name__}: {problem}", flush=True)
                    time.sleep(PAUSE)
            finder.find_all_candidates.cache_clear()


main(sys.argv[1])
