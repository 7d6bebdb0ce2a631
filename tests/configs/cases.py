"""One disk and what the shim is to make of it."""
import re
from dataclasses import dataclass, field

from disks import make_disk


@dataclass
class Case:
    parts: list
    rows: str                      # as Shown.row() writes them, one a line
    table: str = "gpt"
    sector: int = 512
    default: str = ""              # the title of the default entry; empty: not looked at
    timeout: object = None         # seconds, "none", None: the config does not say
    hidden: bool = False
    locked: bool = False
    log: tuple = ()                # patterns of lines that must be there
    arguments: str = ""
    errors: tuple = field(default=())  # patterns of the errors that are expected; no others may be there


def check(case, show, scratch):
    shown = show(make_disk(scratch / "disk.img", case.parts, case.table, case.sector), arguments=case.arguments)
    assert shown.rows == [" ".join(line.split()) for line in case.rows.strip().splitlines()], shown.log
    for pattern in case.log:
        assert re.search(pattern, shown.log, re.M), f"no /{pattern}/ in\n{shown.log}"
    unexpected = [line for line in shown.errors if not any(re.search(p, line) for p in case.errors)]
    assert not unexpected, shown.log
    assert len(case.errors) <= len(shown.errors), shown.log
    if case.default:
        assert shown.default == case.default
    if case.rows.strip():
        assert shown.all["timeout"] == case.timeout
        assert (shown.all["hidden"], shown.all["locked"]) == (case.hidden, case.locked)
