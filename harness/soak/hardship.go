package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// What becomes of a gateway's home before a schedule: how of the verb [Home].
const (
	HomeFull     = "full"      // nothing more fits into it
	HomeReadOnly = "read-only" // the gateway is started once with a home that it cannot write
)

const (
	// homeBytes is the room in a home that is to be full.
	homeBytes = 128 << 20
	// hardshipEvery is of how many schedules one begins with a certain hardship.
	hardshipEvery = 16
)

// mounts says whether a gateway's home can be made full or read-only.
func (t Terrain) mounts() bool { return t.Docker && t.Target.Init == nil }

// hardship is what becomes of the home before the schedule of a seed; "": nothing. It is drawn
// apart from the steps, which are the same with and without.
func hardship(seed int64, t Terrain) string {
	if !t.mounts() {
		return ""
	}
	switch rand.New(rand.NewPCG(uint64(seed), 0x686f_6d65)).IntN(hardshipEvery) {
	case 0:
		return HomeFull
	case 1:
		return HomeReadOnly
	}
	return ""
}

// hardship is the step with which the schedule begins, where it is one of the verb [Home].
func (s Schedule) hardship() (Step, bool) {
	if len(s.Steps) > 0 && s.Steps[0].Do == Home {
		return s.Steps[0], true
	}
	return Step{}, false
}

// Suits says why the schedule cannot be played on a terrain; nil: it can.
func (s Schedule) Suits(t Terrain) error {
	step, hard := s.hardship()
	switch {
	case !hard || t.mounts():
		return nil
	case !t.Docker:
		return fmt.Errorf("step 1 (%s) needs a home that is mounted for it; play it with --runtime docker", step)
	}
	return fmt.Errorf("step 1 (%s) needs a home that is mounted for it, which a gateway with an init of its own cannot be given; leave the step out", step)
}

// endure has a gateway go through a hardship, and come to rest again. No requirement says
// what it owes meanwhile, so nothing of it is judged: the history of what comes then begins
// afterwards. What does not come to rest is a gateway of which nothing can be said.
func endure(ctx context.Context, gw *pod.Gateway, s Step) error {
	p := NewPlayer(gw, nil)
	hard := p.full
	if s.How == HomeReadOnly {
		hard = p.readOnly
	}
	if err := hard(ctx, s); err != nil {
		return err
	}
	if err := p.letGo(ctx); err != nil {
		return err
	}
	if err := p.recovered(ctx, s); err != nil {
		return err
	}
	if !p.until(ctx, func() bool { return gw.AtRest() == "" }) {
		return p.restless(ctx, s, gw.AtRest())
	}
	return ctx.Err()
}

// recovered sends a turn by every way in, each of which must finish.
func (p *Player) recovered(ctx context.Context, s Step) error {
	turns, err := p.serves(ctx)
	if err != nil {
		return p.unlessGone(err)
	}
	for _, t := range turns {
		if view := t.View(); view.Outcome != history.Finished {
			return p.restless(ctx, s, view.String())
		}
	}
	return nil
}

// restless is a gateway that did not get over a hardship, and in what that shows.
func (p *Player) restless(ctx context.Context, s Step, why string) error {
	return p.lost(ctx, fmt.Sprintf("the gateway did not get over it within %s that its home had been %s: %s", p.gw.Grace(), s.How, why))
}

// lost is a gateway of which nothing can be said, and why; or that the soak is interrupted.
func (p *Player) lost(ctx context.Context, what string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &pod.StartError{What: what, Logs: p.gw.Logs(ctx, 10)}
}

// full fills the home in a drain with a turn in flight, takes the drain back while it is
// full, and gives the room back. What the gateway could not write down it may owe to a later
// life of its own, so there is one before anything is judged.
func (p *Player) full(ctx context.Context, s Step) error {
	first := p.gw.Target().Ingresses[0].Name
	for _, step := range []Step{
		{Do: Submit, Turn: "held", Ingress: first, Hold: true},
		{Do: Await, What: ForHeld, Turn: "held"},
		{Do: Begin},
		{Do: Await, What: ForDraining},
	} {
		if err := p.do(ctx, step); err != nil {
			return err
		}
	}
	if !p.gw.Shows(history.Draining) || p.count() < 1 {
		return p.lost(ctx, "the gateway did not come to drain with a turn in flight before its home was to be full: it publishes "+p.gw.Published().String())
	}
	filled := p.gw.FillHome(ctx)
	during := p.do(ctx, Step{Do: Cancel})
	if during == nil {
		_, during = p.everyWay(ctx)
	}
	// The marker that was removed left room for what is published, which is taken as well.
	during = errors.Join(filled, during, p.gw.FillHome(ctx), p.do(ctx, Step{Do: Release}), p.gw.Hold(ctx, s.lasting()))
	if err := errors.Join(during, p.gw.EmptyHome(ctx)); err != nil {
		return err
	}
	if !p.until(ctx, func() bool { return p.gw.Shows(history.Running) && p.count() == 0 }) && p.gw.Alive() {
		return p.restless(ctx, s, "it publishes "+p.gw.Published().String())
	}
	if p.gw.Alive() { // it may end where it cannot write
		if err := p.recovered(ctx, s); err != nil {
			return err
		}
	}
	return p.do(ctx, Step{Do: SIGKILL})
}

// readOnly starts the gateway with a home that it cannot write, in which it may end at once
// or live, and then again with one that it can.
func (p *Player) readOnly(ctx context.Context, s Step) error {
	if err := p.do(ctx, Step{Do: SIGKILL}); err != nil {
		return err
	}
	if err := p.gw.Remount(ctx, true); err != nil {
		return err
	}
	var down *pod.StartError
	if err := p.gw.Respawn(ctx); err != nil && !errors.As(err, &down) {
		return err
	}
	if err := p.gw.Hold(ctx, s.lasting()); err != nil {
		return err
	}
	p.dead = false
	if err := p.do(ctx, Step{Do: SIGKILL}); err != nil { // where it lives
		return err
	}
	if !p.dead {
		within, cancel := context.WithTimeout(ctx, p.gw.Grace()) // it may live, and nobody have seen it
		defer cancel()
		if _, err := p.gw.AwaitExit(within); err != nil {
			return p.restless(ctx, s, "it has not ended: "+err.Error())
		}
		p.dead = true
	}
	return p.gw.Remount(ctx, false)
}

// begin starts the history of a schedule at a gateway that has gone through what the schedule
// begins with; what was seen of that is no evidence.
func begin(ctx context.Context, gw *pod.Gateway, s Schedule, before, file string) error {
	step, _ := s.hardship()
	if err := endure(ctx, gw, step); err != nil {
		return err
	}
	if _, err := gw.Cut(ctx, history.Outcome{Result: "passed"}, header(s), file); err != nil {
		return err
	}
	return os.Remove(before)
}
