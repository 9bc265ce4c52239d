package soak

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/report"
)

// A schedule that is lost now and then is the engine's affair, and told. A gateway that does
// not come up again is not passed over.
func TestLostSchedules(t *testing.T) {
	stumbled := errors.New("step 3 (freeze): the engine did not answer")
	down := fmt.Errorf("step 9 (respawn): %w", &pod.StartError{What: "the gateway did not become ready within 10s"})
	for name, c := range map[string]struct {
		schedules int
		lost      []error
		verdict   report.Verdict
		why       string
	}{
		"none":                           {500, nil, report.Conformant, "500 schedules broke nothing"},
		"few":                            {500, []error{stumbled}, report.Conformant, "1 of them could not be played to their end, the first: schedule 7: step 3 (freeze)"},
		"many":                           {100, []error{stumbled, stumbled}, report.Incomplete, "2 of 100 schedules could not be played"},
		"one that did not come up again": {500, []error{stumbled, down}, report.Incomplete, "did not come up again, or to rest, in 1 of 500 schedules"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Outcome{Schedules: c.schedules, Goals: []Goal{{Name: "g", Reached: 1}}}
			for _, err := range c.lost {
				o.lose(Schedule{Seed: 7}, err)
			}
			if r := Compose(o); r.Verdict != c.verdict || !strings.Contains(r.Why, c.why) {
				t.Errorf("%s: %s", r.Verdict, r.Why)
			}
		})
	}
}

// What stands still while the machine is kept busy on purpose is no noise.
func TestNoiseOfASoak(t *testing.T) {
	act := func(at history.Stamp, name string) history.Event {
		return history.Event{Kind: history.KindAction, Call: at, Return: at + 1, Action: &history.Action{Name: name}}
	}
	stall := func(from, to history.Stamp) history.Event {
		return history.Event{Kind: history.KindStall, Call: from, Return: to, Stall: &history.Stall{Late: to.Sub(from)}}
	}
	begin, end := act(1000, history.ActionStart), act(2000, history.ActionExited)
	for name, c := range map[string]struct {
		events []history.Event
		lost   time.Duration
	}{
		"without a load":      {[]history.Event{begin, stall(1100, 1200), end}, 100},
		"in a load":           {[]history.Event{begin, act(1050, history.ActionLoad), stall(1100, 1200), act(1300, history.ActionUnload), stall(1400, 1450), end}, 50},
		"on the edge of one":  {[]history.Event{begin, act(1150, history.ActionLoad), stall(1100, 1200), act(1300, history.ActionUnload), end}, 0},
		"in one left running": {[]history.Event{begin, act(1050, history.ActionLoad), stall(1100, 1200), end}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Outcome{}
			o.count(c.events)
			if o.Watched != 1001 || o.Stalled != c.lost {
				t.Errorf("%d of %d", o.Stalled, o.Watched)
			}
		})
	}
}
