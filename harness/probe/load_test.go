package probe

import (
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestManyTurnsAreHeldAtOnce(t *testing.T) {
	const many = 300
	r := newRig(t)
	begun := now()
	for range many {
		r.send(wire.SubmitParams{Ingress: "stream", Script: wire.Script{Hold: true}})
	}
	phase := func(p history.ModelPhase) func(history.Event) bool {
		return func(ev history.Event) bool { return ev.Model != nil && ev.Model.Phase == p }
	}
	r.awaitN("all model calls", many, phase(history.ModelCalled))
	r.await("the count", countIs(history.Running, many))
	held := now()
	r.must(r.Release(r.ctx))
	if got := len(r.all(phase(history.ModelReleased))); got != many {
		t.Errorf("%d released at the reply", got)
	}
	ended := r.awaitN("all ends", many, func(ev history.Event) bool { return ev.Turn != nil && ev.Turn.Phase == history.TurnEnded })
	for _, ev := range ended {
		if ev.Turn.Outcome != history.Finished {
			t.Fatalf("%+v", ev.Turn)
		}
	}
	t.Logf("%d turns held after %v, over %v later", many, held.Sub(begun), now().Sub(held))
	r.checkHistory()
}

func TestLiveTurnsAreBounded(t *testing.T) {
	ts := newTurns()
	in := &ingress{}
	for range maxLive {
		if err := ts.add(newTurn(t.Context(), wire.SubmitParams{}, in)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ts.add(newTurn(t.Context(), wire.SubmitParams{}, in)); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("one more: %v", err)
	}
	ts.ended()
	if err := ts.add(newTurn(t.Context(), wire.SubmitParams{}, in)); err != nil {
		t.Errorf("one more after one ended: %v", err)
	}
}
