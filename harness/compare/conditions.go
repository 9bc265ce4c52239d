package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/report"
)

// condition is something that must be the same in all runs, because figures and verdicts
// hang on it.
type condition struct {
	what string
	of   func(*report.Report) string // "": the report does not say
	next string                      // what to do where it differs
}

func conditions() []condition {
	again := "run both sides with the same"
	return []condition{
		{"target", func(r *report.Report) string { return r.Target.Name }, "compare two builds of one target, described by one target file"},
		{"set of features", func(r *report.Report) string {
			features := slices.Sorted(slices.Values(r.Target.Features))
			return "[" + strings.Join(features, " ") + "]"
		}, "run the old build again with the new target file"},
		{"runtime", func(r *report.Report) string { return r.Runtime }, again + " --runtime"},
		{"observation bound", func(r *report.Report) string { return report.Human(r.Target.Bound) }, again + " bound"},
		{"profile", func(r *report.Report) string { return r.Profile }, "run both sides with the same command, and the same filter"},
		{"level", func(r *report.Report) string { return r.Level }, again + " level"},
		{"number of repetitions", repetitions, again + " repetitions in ginkgo.yaml"},
		{"number of checks at once", procs, again + " runner.procs in ginkgo.yaml"},
		{"catalogue of markers", markers, again + " markers"},
		{"machine", machine, "run both sides on machines of one kind; a baseline of another one says nothing here"},
	}
}

// markersKey is where a report's configuration names the hash of the catalogue of markers.
const markersKey = "markers_sha256"

func markers(r *report.Report) string {
	sum, _ := r.Config[markersKey].(string)
	return sum
}

func procs(r *report.Report) string {
	runner, _ := r.Config["runner"].(map[string]any)
	return plain(runner["procs"])
}

func repetitions(r *report.Report) string {
	levels, _ := r.Config["repetitions"].(map[string]any)
	return plain(levels[r.Level])
}

// plain is a value as JSON has it; "" for none.
func plain(v any) string {
	if v == nil {
		return ""
	}
	raw, err := json.Marshal(v)
	if err != nil { // it came from JSON
		return ""
	}
	return string(raw)
}

// machine leaves the kernel out: it changes with every update, and is told as a note.
func machine(r *report.Report) string {
	e := r.Environment
	if e == nil {
		return ""
	}
	return fmt.Sprintf("%s/%s with %d processors", e.OS, e.Arch, e.CPUs)
}

// differ says in which conditions a run is not like the first.
func differ(first, r *Run) []string {
	var out []string
	for _, c := range conditions() {
		was, is := c.of(first.Report), c.of(r.Report)
		if was != is && was != "" && is != "" {
			out = append(out, fmt.Sprintf("%s has another %s than %s (%s, and %s): %s",
				r.Name, c.what, first.Name, report.Printable(is), report.Printable(was), c.next))
		}
	}
	return out
}
