# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
"""Adds up the JUnit reports in a folder: what failed, what was skipped and why, and the counts as the last line."""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ET


def outcome(case):
    """("passed" | "failed" | "skipped", reason)"""
    for child in case:
        if child.tag in ("failure", "error"):
            return "failed", child.get("message") or ""
        if child.tag == "skipped":
            return "skipped", child.get("message") or (child.text or "").strip()
    return ("skipped", "disabled") if case.get("status") == "notrun" else ("passed", "")


def main(folder):
    counts = collections.Counter()
    reasons = collections.Counter()
    for report in sorted(folder.glob("*.xml")):
        own = collections.Counter()
        for case in ET.parse(report).iter("testcase"):
            kind, reason = outcome(case)
            own[kind] += 1
            if kind == "failed":
                first = reason.strip().splitlines()[0][:200] if reason.strip() else ""
                print(f"FAILED {report.stem}: {case.get('classname')}.{case.get('name')}  {first}")
            elif kind == "skipped":
                reasons[reason.strip().splitlines()[-1][:160] if reason.strip() else "no reason given"] += 1
        print(f"{report.stem:24} {own['passed']:6} passed {own['failed']:4} failed {own['skipped']:4} skipped")
        counts += own
        note = folder / f"{report.stem}.failed"
        if own["failed"]:
            note.unlink(missing_ok=True)  # said above
    for note in sorted(folder.glob("*.failed")):
        counts["failed"] += 1
        print(f"FAILED {note.read_text().strip()}")
    for place, (reason, count) in enumerate(reasons.most_common()):
        if place < 10 or "NOT TESTED" in reason:
            print(f"skipped {count:5}: {reason}")
    if "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text():
        print("This processor has no AVX-512: code for x86-64-v4 was built and inspected, but NOT executed.")
    if not counts["passed"] + counts["failed"]:
        print("no test was run")
        counts["failed"] += 1
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
