package soak

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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
		"one that did not come up again": {500, []error{stumbled, down}, report.Incomplete, "did not come up again in 1 of 500 schedules"},
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
