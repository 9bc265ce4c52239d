// Package monitor holds the judges: pure functions over a finished history, one
// per rule, that say how often the rule's situation arose, what broke it, and
// what was measured. Every history is judged by every monitor.
//
// # How a rule accuses
//
// Nothing in a history is a point. An event tells that something happened
// somewhere in [Call, Return]; an accusation must hold wherever in its interval
// each of its events is placed. Where two readings of the facts are possible,
// the one in the gateway's favour is taken.
//
// Only WATCH-001, WATCH-002, GATE-005 and GATE-011 judge against the observation
// bound B; what else must wait waits [Grace] times B. Once a draining reading was
// taken in a drain (it is then acknowledged), no lag is allowed at all. Time in
// which the gateway is frozen or dead is never held against it, and each
// publication is judged on its own.
//
// # What it costs
//
// A view is indexed once; each rule then passes over what concerns it, and looks up
// the rest. A history of n events costs n log n: no rule may look at all turns, lives
// or drains again for each of them. BenchmarkJudge measures it, up to a million
// events, which take less than two seconds.
//
// # What it may import
//
// Package history, and nothing else of the project. A judgement is the same
// wherever and whenever it is made, so there is no clock, no file and no global
// state here:
//
//	view, err := monitor.NewView(events)
//	for _, j := range monitor.JudgeAll(view) {
//		fmt.Println(j.Requirement, j.Arose, len(j.Violations))
//	}
package monitor
