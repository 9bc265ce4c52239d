#!/usr/bin/env bash
# Gate a merge on the live drain check, on any CI server with a container engine.
#
#   gate-a-merge.sh TARGET_FILE REPORT_FOLDER [SUMMARY_FILE]
#
# DRAINPROOF is the command to run (bin/drainproof of a checkout or a release). The exit
# code is the verdict: 0 merge, anything else do not. The report is left for the server to
# keep, and its Markdown summary is appended to SUMMARY_FILE.
set -uo pipefail
target=$1 report=$2 summary=${3:-/dev/null}
"${DRAINPROOF:-drainproof}" gate --target "$target" --report "$report" --deadline 5m --retry-incomplete 1 --quiet
verdict=$?
if [ -f "$report/summary.md" ]; then
  cat "$report/summary.md" >> "$summary"
else
  echo "The drain gate judged nothing (exit $verdict); see the job's log." >> "$summary"
fi
exit "$verdict"
