package monitor

import (
	"fmt"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// A history that goes on from another does not know the turns of that one, which a right
// gateway may count a moment longer.
func TestCountsAfterACut(t *testing.T) {
	begins := func(since history.Stamp, reads ...func(*story)) *story {
		return tell(func(s *story) {
			s.events[0].Header.Since = since
			s.process(-500, history.ProcessSeen)
			s.process(-490, history.ProcessListening, socket(7))
			s.read(-20, history.Running, 0)
		}, do(reads...))
	}
	shows := func(at float64, count int) func(*story) {
		return func(s *story) { s.read(at, history.Running, count) }
	}
	runChecks(t, []check{
		{name: "counted a moment longer", story: begins(ms(0), shows(300, 1), shows(320, 0))},
		{name: "nothing was cut", story: begins(0, shows(300, 1), shows(320, 0)), violated: []string{"COUNT-002"}},
		{name: "counted for ever", story: begins(ms(0), shows(300, 1), shows(12_000, 1)), violated: []string{"COUNT-002"}},
		{name: "started again since", story: begins(ms(0), crashed, shows(2030, 1), shows(2050, 0)), violated: []string{"COUNT-002", "COUNT-007"}},
	})
}

// What a dashboard shows of a gateway that was killed is not its successor's, also where the
// history began with the gateway running.
func TestALeftoverAfterACut(t *testing.T) {
	for since, fresh := range map[history.Stamp]bool{ms(0): false, 0: true} {
		t.Run(fmt.Sprintf("since %d", since), func(t *testing.T) {
			s := tell(func(s *story) {
				s.events[0].Header.Since = since
				s.process(-500, history.ProcessSeen)
				s.http(-20, history.Running, 0)
				s.hold(1000, "a")
				s.http(1003, history.Running, 1)
				s.action(1500, history.ActionSIGKILL)
				s.process(1520, history.ProcessGone)
				s.end(1521, "a", history.Cut)
				s.action(2000, history.ActionRespawn)
				s.http(2003, history.Running, 1)
				s.action(2020, history.ActionReady)
				s.http(2030, history.Running, 0)
			})
			v, err := NewView(s.events)
			if err != nil {
				t.Fatal(err)
			}
			reads := v.Publications[0].Reads
			if got := reads[len(reads)-2]; got.Fresh != fresh || !reads[len(reads)-1].Fresh {
				t.Errorf("fresh %t, want %t", got.Fresh, fresh)
			}
			if got := len(s.judge(t)["COUNT-007"].Violations); (got > 0) != fresh {
				t.Errorf("%d ghosts", got)
			}
		})
	}
}
