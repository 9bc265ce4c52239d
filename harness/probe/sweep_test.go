package probe

import (
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestASweepLiesAcrossTheFlip(t *testing.T) {
	r := newRig(t)
	result, err := r.Sweep(r.ctx, wire.SweepParams{
		Submit: wire.SubmitParams{Ingress: "chat", Purpose: "sweep", GiveUp: patience, Script: wire.Script{Hold: true}},
		Every:  3 * time.Millisecond, Until: history.Draining, Past: 200 * time.Millisecond, Lasting: patience,
		MaxHeld: 4, Marker: &wire.MarkerParams{Op: history.OpBegin}, MarkerAfter: 60 * time.Millisecond,
	})
	r.must(err)
	if !result.Reached || len(result.Turns) < 5 {
		t.Fatalf("%d turns, reached %v", len(result.Turns), result.Reached)
	}
	for _, id := range result.Turns {
		if len(r.all(turnIs(id, history.TurnSent))) != 1 {
			t.Fatalf("turn %s was not sent when the sweep was over", id)
		}
	}
	r.must(r.Release(r.ctx))
	outcomes := map[history.TurnOutcome]int{}
	for _, id := range result.Turns {
		end := r.await("the end of "+id, turnIs(id, history.TurnEnded))
		outcomes[end.Turn.Outcome]++
	}
	if outcomes[history.Finished] == 0 || outcomes[history.Refused] == 0 || len(outcomes) != 2 {
		t.Errorf("outcomes: %v", outcomes)
	}
	r.checkBound(result.Turns, 4)
	marker := r.await("the marker", markerIs(history.OpBegin))
	draining := r.await("draining", stateIs(history.Draining))
	last := r.all(turnIs(result.Turns[len(result.Turns)-1], history.TurnSent))[0]
	if last.Call <= draining.Return || draining.Return < marker.Call {
		t.Errorf("the sweep ended %v after draining was read", last.Call.Sub(draining.Call))
	}
	r.checkHistory()
}

// checkBound sees to it that at no moment more than bound turns of a sweep were sent
// and not over. What the gateway publishes does not tell: it may count a turn a while
// after its client has seen the end. A turn that took longer on its way to the model
// or back from it than it counts has made room for one more; machines are busy.
func (r *rig) checkBound(ids []string, bound int) {
	r.t.Helper()
	type flight struct{ sent, ended history.Stamp }
	var flights []flight
	for _, id := range ids {
		sent, ended := r.all(turnIs(id, history.TurnSent))[0], r.all(turnIs(id, history.TurnEnded))[0]
		flights = append(flights, flight{sent.Call, ended.Return})
		there, back := ended.Return, ended.Return
		if called := r.all(modelIs(id, history.ModelCalled)); len(called) > 0 {
			there = called[0].Return
		}
		if released := r.all(modelIs(id, history.ModelReleased)); len(released) > 0 {
			back = released[0].Call
		}
		if there.Sub(sent.Call) > onTheWay || ended.Return.Sub(back) > onTheWay {
			bound++
		}
	}
	for i, at := range flights {
		n := 0
		for _, other := range flights {
			if other.sent <= at.sent && at.sent < other.ended {
				n++
			}
		}
		if n > bound {
			r.t.Errorf("%d turns in flight when %s was sent, at most %d were to be", n, ids[i], bound)
		}
	}
}

func TestASweepEndsWhenItsTimeIsOver(t *testing.T) {
	r := newRig(t)
	for _, until := range []string{"", history.Stopped} {
		result, err := r.Sweep(r.ctx, wire.SweepParams{
			Submit: wire.SubmitParams{Ingress: "chat"}, Every: 5 * time.Millisecond,
			Until: until, Past: time.Hour, Lasting: 50 * time.Millisecond,
		})
		if err != nil || result.Reached || len(result.Turns) == 0 {
			t.Errorf("until %q: %+v, %v", until, result, err)
		}
	}
}

func TestSweepRefusesWhatCanNotBe(t *testing.T) {
	r := newRig(t)
	good := wire.SweepParams{Submit: wire.SubmitParams{Ingress: "chat"}, Every: time.Millisecond, Lasting: time.Second}
	for name, change := range map[string]func(*wire.SweepParams){
		"every":    func(p *wire.SweepParams) { p.Every = 0 },
		"lasting":  func(p *wire.SweepParams) { p.Lasting = 0 },
		"armed":    func(p *wire.SweepParams) { p.Submit.When = &wire.When{State: history.Running} },
		"share":    func(p *wire.SweepParams) { p.Submit.Connection = "a" },
		"state":    func(p *wire.SweepParams) { p.Until = "resting" },
		"ingress":  func(p *wire.SweepParams) { p.Submit.Ingress = "nope" },
		"sing":     func(p *wire.SweepParams) { p.Marker = &wire.MarkerParams{Op: "sing"} },
		"its mome": func(p *wire.SweepParams) { p.Marker = &wire.MarkerParams{When: &wire.When{State: history.Running}} },
	} {
		p := good
		change(&p)
		if _, err := r.Sweep(r.ctx, p); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
