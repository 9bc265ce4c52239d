package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

func TestNewViewRefuses(t *testing.T) {
	header := func(b time.Duration) history.Event {
		return history.Event{Kind: history.KindHeader, Header: &history.Header{Schema: 1, Bound: b}}
	}
	step := history.Event{Seq: 1, Kind: history.KindStall, Stall: &history.Stall{}}
	for _, c := range []struct {
		name   string
		events []history.Event
		want   string
	}{
		{"nothing", nil, "one header"},
		{"no header", []history.Event{step}, "one header"},
		{"two headers", []history.Event{header(time.Second), header(time.Second)}, "one header"},
		{"no bound", []history.Event{header(0), step}, "bound"},
		{"a bound of days", []history.Event{header(48 * time.Hour), step}, "bound"},
		{"only a header", []history.Event{header(time.Second)}, "nothing happened"},
		{"no body", []history.Event{header(time.Second), {Kind: history.KindTurn}}, "without its body"},
		{"a reversed interval", []history.Event{header(time.Second), {Kind: history.KindStall, Call: 2, Return: 1, Stall: &history.Stall{}}}, "before it begins"},
		{"stamps beyond any clock", []history.Event{header(time.Second), {Kind: history.KindStall, Call: 1, Return: never, Stall: &history.Stall{}}}, "range"},
	} {
		if _, err := NewView(c.events); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to tell of %q", c.name, err, c.want)
		}
	}
}

// TestCounter compares the tree with counting by hand.
func TestCounter(t *testing.T) {
	list := []flight{{1, 5}, {2, 2}, {2, 9}, {4, 6}, {7, 9}}
	c := newCounter(list)
	for from := history.Stamp(0); from < 11; from++ {
		for to := from; to < 11; to++ {
			want := 0
			for _, f := range list {
				if f.from <= from && f.to >= to {
					want++
				}
			}
			if got := c.throughout(from, to); got != want {
				t.Errorf("[%d, %d]: got %d, want %d", from, to, got, want)
			}
		}
	}
	if got := newCounter(nil).throughout(1, 2); got != 0 {
		t.Errorf("nothing counts %d", got)
	}
}

func TestTimeWhileFrozenDoesNotPass(t *testing.T) {
	v, err := NewView(tell(launched, func(s *story) {
		s.action(1000, history.ActionFreeze)
		s.action(2000, history.ActionThaw)
		s.action(3000, history.ActionFreeze)
		s.action(3500, history.ActionRespawn)
		s.action(5000, history.ActionFreeze)
		s.stale(6000, history.Running, 0)
	}).events)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want float64 }{
		{0, 1000, 1000}, {0, 3000, 2000}, {1500, 2500, 500}, {1100, 1900, 0}, {2500, 4000, 1000}, {4500, 6000, 500},
	} {
		got := v.ran(ms(c.from), ms(c.to))
		if want := time.Duration(c.want * 1e6); got < want-50*time.Microsecond || got > want+50*time.Microsecond {
			t.Errorf("from %v to %v it ran %s, want %s", c.from, c.to, got, want)
		}
	}
}

// FuzzJudge has random events judged: whatever they are, no monitor panics, and
// what it says is well formed.
func FuzzJudge(f *testing.F) {
	f.Add([]byte("a gateway drains and is judged, and nobody panics"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 255, 254, 253})
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := NewView(invent(data))
		if err != nil {
			return
		}
		for _, j := range JudgeAll(v) {
			if j.Requirement == "" || j.Arose < 0 {
				t.Errorf("a judgement out of shape: %+v", j)
			}
			for _, s := range j.Samples {
				if s.Value < 0 {
					t.Errorf("%s measured %s", j.Requirement, s.Value)
				}
			}
			for _, breach := range j.Violations {
				if len(breach.Evidence) == 0 {
					t.Errorf("%s accuses without evidence: %+v", j.Requirement, breach)
				}
			}
		}
	})
}

// invent makes events of bytes, three to four each, in no sensible order.
func invent(data []byte) []history.Event {
	s := tell()
	at := 0.0
	pick := func(list ...string) string {
		b := data[0]
		data = data[1:]
		return list[int(b)%len(list)]
	}
	for len(data) >= 4 {
		at += float64(data[0]) * 10
		width := float64(data[1]) / 4
		data = data[2:]
		var e history.Event
		switch what := pick("state", "turn", "model", "marker", "action", "process", "stall"); what {
		case "state":
			b := int(data[0])
			state := pick(history.Starting, history.Running, history.Draining, history.Stopping, history.Stopped, "odd")
			e = history.Event{Kind: history.KindState, State: &history.State{Publication: []string{"file", "http"}[b%2], State: state, Count: b%5 - 1, Version: fmt.Sprint(b % 7)}}
			if b > 240 {
				e.State.Problem = "absent"
			}
		case "turn":
			b := int(data[0])
			phase := pick("sent", "answered", "ended", "aborted", "resumed", "stalled", "sent", "ended")
			outcome := []history.TurnOutcome{history.Finished, history.Refused, history.Cut, history.Hung, history.Unsent}[b/8%5]
			e = history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: fmt.Sprint(b % 9), Phase: history.TurnPhase(phase), Outcome: outcome, Reused: b%3 == 0, Stalls: true, ReplyBytes: b << 16}}
		case "model":
			b := int(data[0])
			e = history.Event{Kind: history.KindModel, Model: &history.Model{Turn: fmt.Sprint(b % 9), Call: b % 3, Phase: history.ModelPhase(pick("called", "released", "done", "gone"))}}
		case "marker":
			b := int(data[0])
			e = history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.Op(pick("begin", "rewrite", "cancel", "found")), Existed: b%2 == 0, Present: b%3 == 0}}
		case "action":
			e = history.Event{Kind: history.KindAction, Action: &history.Action{Name: pick("start", "ready", "sigterm", "sigkill", "respawn", "recreate", "freeze", "thaw", "load", "unload", "end"), Load: &history.Load{Turns: int(width) % 3}}}
		case "process":
			b := int(data[0])
			e = history.Event{Kind: history.KindProcess, Process: &history.Process{Phase: pick("seen", "gone", "listening", "closed"), PID: b % 3, Inode: uint64(b % 4)}}
		default:
			data = data[1:]
			e = history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: time.Duration(width * 1e6)}}
		}
		s.span(at, at+width, e)
	}
	return s.events
}
