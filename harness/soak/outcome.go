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
	Peaks       []int64       // some of the gateway's peaks of memory, one of each schedule, in bytes
	Watched     time.Duration // all histories
	Stalled     time.Duration // of that, for how long something stood still that was not meant to
	Lost        []string      // schedules that could not be played to their end, and why
	Down        int           // of those, the ones in which a gateway did not come up again, or to rest
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
	all, lost := history.Stalled(unloaded(events))
	o.Watched, o.Stalled = o.Watched+all, o.Stalled+lost
}

// unloaded are the events without the stalls that came while the machine was kept busy on
// purpose.
func unloaded(events []history.Event) []history.Event {
	load := history.Stamp(-1) // since when it is; -1: it is not
	var busy [][2]history.Stamp
	for _, e := range events {
		if e.Kind != history.KindAction {
			continue
		}
		switch {
		case e.Action.Name == history.ActionLoad && load < 0:
			load = e.Call
		case e.Action.Name == history.ActionUnload && load >= 0:
			busy = append(busy, [2]history.Stamp{load, e.Return})
			load = -1
		}
	}
	if load >= 0 {
		busy = append(busy, [2]history.Stamp{load, events[len(events)-1].Return})
	}
	return slices.DeleteFunc(slices.Clone(events), func(e history.Event) bool {
		return e.Kind == history.KindStall && slices.ContainsFunc(busy, func(b [2]history.Stamp) bool { return e.Call < b[1] && e.Return > b[0] })
	})
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

// reservoir keeps some of all values, each as likely as any other (Vitter's algorithm R).
type reservoir struct {
	n      int
	values []int64
}

func (v *reservoir) add(r *rand.Rand, value int64) {
	v.n++
	if len(v.values) < maxValues {
		v.values = append(v.values, value)
	} else if at := r.IntN(v.n); at < maxValues {
		v.values[at] = value
	}
}

// figures keeps samples in bounded room.
type figures struct {
	byName map[string]*figure
	peaks  reservoir
	r      *rand.Rand
}

type figure struct {
	reservoir
	max   time.Duration
	bound time.Duration
}

func newFigures() *figures {
	return &figures{byName: map[string]*figure{}, r: rand.New(rand.NewPCG(1, 2))}
}

func (f *figures) add(samples []monitor.Sample) {
	for _, s := range samples {
		v := f.byName[s.Name]
		if v == nil {
			v = &figure{}
			f.byName[s.Name] = v
		}
		v.max = max(v.max, s.Value)
		if s.Bound > 0 && (v.bound == 0 || s.Bound < v.bound) {
			v.bound = s.Bound
		}
		v.add(f.r, int64(s.Value))
	}
}

// peak takes down how much memory the gateway has had at the most.
func (f *figures) peak(events []history.Event) {
	for _, e := range events {
		if e.Kind == history.KindMemory {
			f.peaks.add(f.r, e.Memory.Peak)
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
		values := make([]time.Duration, len(v.values))
		for i, value := range v.values {
			values[i] = time.Duration(value)
			samples[i] = monitor.Sample{Name: name, Value: values[i], Bound: v.bound}
		}
		s := Samples{Summary: report.Summarise(samples)[0], Values: values}
		s.N, s.Max = v.n, v.max
		out = append(out, s)
	}
	return out
}
