package report

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// excerptLength is how many events a person reads before giving up.
const excerptLength = 8

// NewViolation ties a monitor's finding to its history: file is the history's
// path relative to the report, events what is in it.
func NewViolation(v monitor.Violation, file string, events []history.Event) Violation {
	return Violation{Violation: v, History: file, Excerpt: Excerpt(events, v.Evidence, v.At)}
}

// Excerpt picks the events that prove a breach, and as many neighbours as fit
// into eight lines, each told relative to the breach at origin. Where the proof
// alone is longer, its middle is left out, and a line says so.
func Excerpt(events []history.Event, evidence []uint64, origin history.Stamp) []Line {
	chosen := history.Slice(events, evidence, 0)
	for around := 1; around <= excerptLength; around++ {
		wider := history.Slice(events, evidence, around)
		if len(wider) > excerptLength {
			break
		}
		chosen = wider
	}
	lines := make([]Line, 0, len(chosen))
	for _, e := range chosen {
		lines = append(lines, Line{
			Seq: e.Seq, Offset: e.Return.Sub(origin), Text: history.Describe(e), Proof: slices.Contains(evidence, e.Seq),
		})
	}
	if len(lines) <= excerptLength {
		return lines
	}
	head, tail := excerptLength/2, (excerptLength-1)/2
	gap := Line{Offset: lines[head].Offset, Text: fmt.Sprintf("... %d more events that belong to the proof ...", len(lines)-head-tail)}
	return append(append(lines[:head:head], gap), lines[len(lines)-tail:]...)
}
