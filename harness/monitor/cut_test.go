package monitor

import (
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
