package monitor

import (
	"reflect"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// What is measured of memory says nothing of a drain: no monitor sees it, and nothing is
// judged otherwise for it, not even in a history that does not say when its check was over.
func TestMemoryIsNoEvidence(t *testing.T) {
	for name, s := range map[string]*story{
		"a right one":  tell(right),
		"never ending": tell(launched, func(s *story) { s.begin(1000); s.stale(1500, history.Running, 0) }),
	} {
		t.Run(name, func(t *testing.T) {
			without, err := NewView(s.events)
			if err != nil {
				t.Fatal(err)
			}
			want := JudgeAll(without)
			s.add(11890, history.Event{Kind: history.KindMemory, Memory: &history.Memory{PID: 101, Peak: 1 << 20}})
			with, err := NewView(s.events)
			if err != nil {
				t.Fatal(err)
			}
			if len(with.Events) != len(without.Events) {
				t.Errorf("%d events are judged, and %d without the memory", len(with.Events), len(without.Events))
			}
			if got := JudgeAll(with); !reflect.DeepEqual(got, want) {
				t.Errorf("judged\n%+v\nwithout it\n%+v", got, want)
			}
		})
	}
}
