#!/usr/bin/env python3
"""all.py BUILD: every test, one after the other; the last line is `N passed, N failed`.

Build by gcc and by clang, include checks, unit tests, fuzz targets (saved corpus, then the same FUZZ_RUNS new inputs
each; `make fuzz` looks for others), the gate, configs of distributions, QEMU. A step that cannot run counts as one
failed test: nothing is left out silently. Steps by name run alone: `all.py build unit`.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

FUZZ_RUNS = int(os.environ.get("FUZZ_RUNS", "5000"))
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "5"))  # a slower machine comes less far along the same row of inputs
FUZZ_SEED = int(os.environ.get("FUZZ_SEED", "1"))  # 0: others each time
JOBS = min(2, os.cpu_count() or 1)
started = time.monotonic()
passed = 0
failures = []


def say(text):
    print(f"[{time.monotonic() - started:4.0f} s] {text}", flush=True)


def count(name, ok, detail=""):
    """One test more; the detail of a failed one is shown at once."""
    global passed
    if ok:
        passed += 1
        return
    failures.append(name)
    print(f"FAILED {name}\n{detail}", flush=True)


def run(command, seconds=600, **options):
    """(status, output); a command that runs too long is stopped and has failed."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=seconds, **options)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return 1, (late.stdout or b"").decode(errors="replace") + f"\nstopped after {seconds} s"


def run_told(name, command, seconds, **options):
    """The same for what takes minutes: every half minute a line tells how far it is, by the last `[ 45%]` printed."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
        limit, following = time.monotonic() + seconds, time.monotonic() + 30

        def output():
            return os.pread(log.fileno(), 1 << 24, 0).decode(errors="replace")

        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() > limit:
                process.kill()
                process.wait()
                return 1, output() + f"\nstopped after {seconds} s"
            if time.monotonic() > following:
                following += 30
                say(f"{name}: {(re.findall(r'[0-9]+%', output()) or ['0%'])[-1]}")
        return process.returncode, output()


def tail(text, lines=60):
    return "\n".join(text.splitlines()[-lines:])


def make(*targets, folder=None):
    """make, as if called from a shell: with its own jobs, not those of the make that called us."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return run(["make", "-s", f"-j{JOBS}", f"B={folder or build}", *targets], 1800, env=environment)


def warnings_of(output):
    return [line for line in output.splitlines() if "warning:" in line]


def step_build():
    """The product by gcc and by clang, both without a warning; the size limit."""
    for name, compiler, folder in (("gcc", "gcc", build), ("clang", "clang", f"{build}/clang")):
        status, output = make(f"CC={compiler}", f"{folder}/shim.elf", f"{folder}/shim-multiboot.elf", folder=folder)
        count(f"build by {name}", not status and not warnings_of(output), tail(output))
    try:
        size = os.path.getsize(f"{build}/shim.elf")
    except OSError:
        size = 0
    count("size", 0 < size <= 196608, f"{build}/shim.elf: {size} bytes, expected at most 196608")


def includes_of(path):
    with open(path, encoding="utf-8") as lines:
        return re.findall(r'^#include "([^"]+)"', lines.read(), re.M)


def step_includes():
    """Every header compiles alone; no folder includes another's headers, but shim/include."""
    folders = ("fs", "drivers", "protocols", "shim")
    own = {folder: {os.path.basename(p) for p in glob.glob(f"{folder}/*.h")} for folder in folders}
    shared = {os.path.basename(p) for p in glob.glob("shim/include/*.h")}
    for folder, names in own.items():
        for path in sorted(glob.glob(f"{folder}/*.[ch]")):
            foreign = [n for n in includes_of(path) if n not in shared | names]
            count(f"includes of {path}", not foreign, f"{path} includes {', '.join(foreign)}")
    for path in sorted(glob.glob("shim/include/*.h")):
        foreign = [n for n in includes_of(path) if n not in shared]
        count(f"includes of {path}", not foreign, f"{path} includes {', '.join(foreign)}")
    for path in sorted(glob.glob("shim/include/*.h") + [f"{f}/{n}" for f in own for n in own[f]]):
        status, output = run(["gcc", "-std=gnu11", "-ffreestanding", "-mgeneral-regs-only", "-Wall", "-Wextra",
                              "-Werror", "-Ishim/include", "-fsyntax-only", "-x", "c", "-include", path, "/dev/null"])
        count(f"{path} alone", not status, output)


def step_unit():
    """cmocka: one count per test function."""
    tests = sorted(glob.glob("tests/unit/test_*.c"))
    status, output = make(*[f"{build}/unit/{os.path.basename(t)[:-2]}" for t in tests])
    count("build of the unit tests", not status and not warnings_of(output), tail(output))
    programs = [f"{build}/unit/{os.path.basename(t)[:-2]}" for t in tests]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for program, (status, output) in zip(programs, pool.map(lambda p: run([p], 600), programs)):
            add_cmocka(program, status, output)


def add_cmocka(program, status, output):
    global passed
    good = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", output)))
    bad = re.findall(r"^\[  FAILED  \] (\w\S*)$", output, re.M)
    passed += good
    if bad or status or not good:
        count(program, False, tail(output))
        failures.extend(f"{program}: {name}" for name in sorted(set(bad))[1:])


def fuzz_one(name):
    """The saved corpus, then new input; findings stay in the build folder. What failed must fail again anywhere, so
    nothing may depend on addresses (use_cmp) or on what earlier runs left."""
    work = f"{build}/fuzz-test/{name}"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    program, corpus = f"{build}/fuzzers/{name}", f"tests/fuzz/corpus/{name}"
    options = [f"-artifact_prefix={build}/fuzz-test/{name}-", "-timeout=60", "-rss_limit_mb=2048", "-verbosity=1",
               f"-seed={FUZZ_SEED}", "-use_cmp=0", "-reload=0"]
    saved = sorted(glob.glob(f"{corpus}/*"))
    replay = run([program, "-runs=0", *options, corpus], 300) if saved else (1, f"no corpus at {corpus}")
    limits = [f"-runs={FUZZ_RUNS}", f"-max_total_time={FUZZ_SECONDS}"]
    seeds = [f"-seed_inputs={','.join(saved)}"] if saved else []  # a folder would be read in its own order
    fresh = run([program, *limits, *options, *seeds, work], FUZZ_SECONDS + 300)
    return replay, fresh


def step_fuzz():
    names = sorted(os.path.basename(p)[5:-2] for p in glob.glob("tests/fuzz/fuzz_*.c"))
    status, output = make("fuzz-build")
    count("build of the fuzz targets", not status and not warnings_of(output), tail(output))
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, (replay, fresh) in zip(names, pool.map(fuzz_one, names)):
            count(f"fuzz {name}: corpus", not replay[0], tail(replay[1]))
            count(f"fuzz {name}: new inputs", not fresh[0], tail(fresh[1]))


def pytest(folder, *options):
    """Counts of a pytest run; parallel when pytest-xdist is there."""
    global passed
    report = f"{build}/{os.path.basename(folder)}.xml"
    if os.path.exists(report):
        os.unlink(report)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
               f"--basetemp={build}/pytest", *options, folder]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1", SHIM_BUILD=build)
    status, output = run_told(os.path.basename(folder), command, 3000, env=environment)
    if not os.path.exists(report):
        count(f"pytest {folder}", False, tail(output))
        return
    bad = 0
    for case in xml.parse(report).getroot().iter("testcase"):
        broken = [e for e in case if e.tag in ("failure", "error")]
        if any(e.tag == "skipped" for e in case):
            print(f"skipped {case.get('name')}")
        elif broken:
            bad += 1
            count(f"{case.get('classname')}.{case.get('name')}", False, tail(broken[0].get("message") or "", 100))
        else:
            passed += 1
    if status and not bad:
        count(f"pytest {folder}", False, tail(output))


def step_gate():
    """The structure of the built ELF, and whether the gate notices each broken rule."""
    pytest("tests/gate")


def in_parallel():
    """pytest's options for that, where pytest-xdist is there."""
    return ["-n", str(JOBS)] if not run([sys.executable, "-c", "import xdist"])[0] else []


def step_configs():
    """What the shim makes of disks as distributions make them, on the host."""
    status, output = make("config-parts")
    count("parts of the tests of configs", not status, tail(output))
    pytest("tests/configs", *in_parallel())


def step_qemu():
    status, output = make("test-parts")
    count("parts of the QEMU tests", not status, tail(output))
    pytest("tests/qemu", *in_parallel())


STEPS = {"build": step_build, "includes": step_includes, "unit": step_unit, "fuzz": step_fuzz, "gate": step_gate,
         "configs": step_configs, "qemu": step_qemu}


def main(names):
    for name in names or STEPS:
        say(name)
        before = passed, len(failures)
        try:
            STEPS[name]()
        except Exception as problem:  # a step that breaks is a failed test, not the end of the others
            count(name, False, repr(problem))
        say(f"{name}: {passed - before[0]} passed, {len(failures) - before[1]} failed")
    for name in failures:
        print(f"FAILED {name}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    build = sys.argv[1]
    sys.exit(main(sys.argv[2:]))
