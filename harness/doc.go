// Package harness is how a gateway is driven and observed. It holds no code of
// its own; its folders are the pipeline, in the order in which a run passes
// through them:
//
//	config, target    what to run, read from YAML, wrong files refused line by line
//	artifact          binaries built and images assembled from them
//	runtime           where a gateway lives: a pod of containers, or child processes
//	probe, wire       what stands next to the gateway, and how the suite speaks to it
//	pod, expect       the gateway as a spec sees it, and the matchers specs speak in
//	history           what happened, as intervals on one clock
//	monitor, verdict  what is said of a history, and of a run
//	report            what is told to people and programs
//	compare           what two builds are to each other, by the reports of both
//	cmd               the programs: drainproof and probe
//
// Nothing here but cmd may import reference, conformance or fixtures; the linter
// holds that.
package harness
