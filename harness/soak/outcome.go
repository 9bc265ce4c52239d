package soak

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/report"
)

// Outcome is what a soak found.
type Outcome struct {
	Seed        int64
	Pods        int
	Schedules   int // played and judged
	Drains      int
	Turns       int
	Cycles      int           // drains of crowds, which wait for nothing
	Cycling     time.Duration // spent in those
	Judging     time.Duration
	Wall        time.Duration
	Goals       []Goal
	Broken      map[string]*Breach // by requirement
	Arose       map[string]int     // by requirement
	Receipts    []string
	Samples     []Samples
	Lost        []string // schedules that could not be played to their end, and why
	Down        int      // of those, the ones in which a gateway did not come up again
	Interrupted bool
	GivenUp     string // why it ended before its time was over, other than by a signal or a failure; "": it did not
}

// Breach is a requirement that was broken.
type Breach struct {
	Requirement report.Requirement // as it was the first time
	Schedules   int                // in which it was
	First       Schedule           // of those
	Before      []Schedule         // that were played against the same gateway before it
	History     string             // of the first, relative to the soak's folder; "": there was no room for it
}

// lose takes down a schedule that could not be played to its end. That of an engine that
// stumbled now and then nothing follows; but a gateway that does not come up again is no
// such thing, though nobody may be able to prove that it was its own doing.
func (o *Outcome) lose(s Schedule, why error) {
	o.Lost = append(o.Lost, fmt.Sprintf("schedule %d: %v", s.Seed, why))
	var down *pod.StartError
	if errors.As(why, &down) {
		o.Down++
	}
}

// count takes down how much was done.
func (o *Outcome) count(events []history.Event) {
	for i := range events {
		switch e := &events[i]; {
		case e.Kind == history.KindMarker && e.Marker.Error == "" && e.Marker.Present && !e.Marker.Existed && e.Marker.Op != history.OpDecoy:
			o.Drains++
		case e.Kind == history.KindTurn && e.Turn.Phase == history.TurnSent:
			o.Turns++
		}
	}
}

// Samples are what was measured of one figure.
type Samples struct {
	report.Summary
	// Values are some of the samples, each as likely to be among them as any other, in
	// nanoseconds: enough to compare two soaks by.
	Values []time.Duration `json:"values_ns"`
}

// maxValues bounds what is kept of a figure's samples.
const maxValues = 2000

// figures keeps samples in bounded room (Vitter's reservoir).
type figures struct {
	byName map[string]*reservoir
	r      *rand.Rand
}

type reservoir struct {
	n      int
	max    time.Duration
	bound  time.Duration
	values []time.Duration
}

func newFigures() *figures {
	return &figures{byName: map[string]*reservoir{}, r: rand.New(rand.NewPCG(1, 2))}
}

func (f *figures) add(samples []monitor.Sample) {
	for _, s := range samples {
		v := f.byName[s.Name]
		if v == nil {
			v = &reservoir{}
			f.byName[s.Name] = v
		}
		v.n++
		v.max = max(v.max, s.Value)
		if s.Bound > 0 && (v.bound == 0 || s.Bound < v.bound) {
			v.bound = s.Bound
		}
		if len(v.values) < maxValues {
			v.values = append(v.values, s.Value)
		} else if at := f.r.IntN(v.n); at < maxValues {
			v.values[at] = s.Value
		}
	}
}

// all are the figures in the order of their names. The percentiles are those of what was
// kept, number and maximum those of all.
func (f *figures) all() []Samples {
	out := []Samples{}
	for _, name := range slices.Sorted(maps.Keys(f.byName)) {
		v := f.byName[name]
		samples := make([]monitor.Sample, len(v.values))
		for i, value := range v.values {
			samples[i] = monitor.Sample{Name: name, Value: value, Bound: v.bound}
		}
		s := Samples{Summary: report.Summarise(samples)[0], Values: v.values}
		s.N, s.Max = v.n, v.max
		out = append(out, s)
	}
	return out
}
