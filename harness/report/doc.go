// Package report holds what a run says, and renders it for each of its readers:
// report.json for programs (by a published JSON Schema), junit.xml for CI,
// summary.md for a pull request, a table for the terminal, one line for a
// gatekeeper.
//
// Nothing is judged here: a [Report] is filled by the suite, with verdicts made
// elsewhere. Two rules hold in every rendering: what did not run is not a pass,
// and no figure says more than was observed (durations are rounded up, never
// down). The schema refuses a report whose parts contradict its verdict.
//
//	if err := report.Write(dir, r, schema); err != nil { ... }
//	report.Table(os.Stdout, r, report.TableOptions{Width: 100})
//	fmt.Println(report.ResultLine(r))
//
// Text that came from a gateway is stripped of control characters wherever it is
// rendered.
//
// Of the project it imports history and monitor only.
package report
