#!/usr/bin/env python3
"""fuzz.py BUILD [TARGET...]: fuzz without end, each target in turn for FUZZ_SECONDS, until a finding or Ctrl-C.

New inputs collect in BUILD/fuzz-work/TARGET; a finding stays there as TARGET-crash-… and its replay is printed.
"""
import glob
import itertools
import os
import subprocess
import sys

ROUND = int(os.environ.get("FUZZ_SECONDS", "120"))


def main(build, *wanted):
    names = wanted or sorted(os.path.basename(p)[5:-2] for p in glob.glob("tests/fuzz/fuzz_*.c"))
    for turn, name in enumerate(itertools.cycle(names)):
        work = f"{build}/fuzz-work/{name}"
        os.makedirs(work, exist_ok=True)
        corpus = f"tests/fuzz/corpus/{name}"
        print(f"fuzz: round {turn // len(names) + 1}, {name}, {ROUND} s", flush=True)
        command = [f"{build}/fuzzers/{name}", f"-max_total_time={ROUND}", "-timeout=20", "-rss_limit_mb=2048",
                   f"-artifact_prefix={build}/fuzz-work/{name}-", "-print_final_stats=0", "-verbosity=0", work]
        if subprocess.run(command + ([corpus] if os.path.isdir(corpus) else []), check=False).returncode:
            newest = max(glob.glob(f"{build}/fuzz-work/{name}-*"), key=os.path.getmtime, default="")
            print(f"fuzz: {name} found something; again by: {build}/fuzzers/{name} {newest}")
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
