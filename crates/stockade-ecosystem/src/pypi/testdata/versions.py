"""Order of versions as `packaging` has it. Run: python vectors.py > versions.txt"""
import itertools, json, packaging
from packaging.version import InvalidVersion, Version

ORDERED = """
0 0.0 0.0.0.0 00 0.1 0.1a0 0.9 1 1.0 1.0.0 v1.0 V1.0 1.0.post 1.0-1 1.0.post1 1.0.rev1 1.0-r1 1.0post01 1.0.post0 1.0.post1.dev2
1.0.dev 1.0.dev0 1.0dev 1.0.dev1 1.0.dev456 1.0a 1.0a0 1.0alpha 1.0.alpha.1 1.0-alpha-1 1.0a1 1.0A1 1.0a1.dev1 1.0a1.post1 1.0a1.post1.dev1 1.0a2 1.0a10
1.0b 1.0beta2 1.0b2 1.0b2.post345 1.0b2.post345.dev456 1.0b2-346 1.0c1 1.0c1.dev1 1.0rc1 1.0pre1 1.0preview1 1.0rc2 1.0c3
1.0+abc 1.0+abc.5 1.0+abc.7 1.0+5 1.0+5.a 1.0+10 1.0+ubuntu-1 1.0+ubuntu_1 1.0+ubuntu.1 1.0+ABC 1.0+1.0 1.0+001 1.0a1+local 1.0.post1+local
1.0.1 1.0.0.1 1.1 1.1.dev1 1.2 1.10 1.1.0rc1 1.1.0.0.0.0.0.0.1 2 2.0 10 2024.1 2024.1.1 2024.10.2 20240101 20240101.1 65535 65536 65535.255.255.255 65535.256 1.256.1 1.2.3.4.5
1!0 1!0.1 1!1.0 2!1.0 1!1.0.dev1 0!1.0 1!1.0a1 9007199254740992 4294967296 2097151 1.0.dev2097151 1.0.dev2097152 1.0a2097151 1.0a2097152 1.0.post2097151 1.0.post2097152
""".split() + [" 1.0 ", "1.0\n", "\t1.1"]
NONE = ["", "a", "1.0.", "1.0-", "1.0+", "1.0+a+b", "1.0.x", "french toast", "1.0a1b1", "1.0.dev1.a1", "1.0post1post2", "!1.0", "a!1.0", "1!", "1!!0",
        "1.0+_a", "1.0+a_", "1.0+a..b", "=1.0", "vv1.0", "1 .0", "1. 0", "1.0 a1", "1..0", "-1", "1.0.*", "1.0\u00e9", "\u0661.0", "1.0+\u00e4", "2004d", "1.0-SNAPSHOT", "1.0-2-3", "1,0", "1.0alpha.beta"]

def main():
    print("# Order of versions, as packaging %s has it. Made by: python crates/stockade-ecosystem/src/pypi/testdata/versions.py" % packaging.__version__)
    for text in NONE:
        try:
            Version(text)
        except InvalidVersion:
            print(f"{json.dumps(text)} is none")
        else:
            raise SystemExit(f"{text!r} is one")
    known = sorted(ORDERED, key=Version)
    for a, b in zip(known, known[1:]):
        print(f"{json.dumps(a)} {'=' if Version(a) == Version(b) else '<'} {json.dumps(b)}")
    import random
    random.seed(440)
    for _ in range(400):
        a, b = random.sample(ORDERED, 2)
        sign = "<" if Version(a) < Version(b) else ">" if Version(a) > Version(b) else "="
        print(f"{json.dumps(a)} {sign} {json.dumps(b)}")

main()
