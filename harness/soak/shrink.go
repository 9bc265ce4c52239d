package soak

import (
	"context"
	"slices"
)

// Fails plays a schedule against a fresh gateway and says whether it still breaks what it
// is to break. An error ends the shrinking; what was reached so far stands.
type Fails func(ctx context.Context, s Schedule) (bool, error)

// Shrunk is what came of a shrinking.
type Shrunk struct {
	Schedule Schedule `json:"-"`
	From     int      `json:"from"`    // steps before
	To       int      `json:"to"`      // steps after
	Tried    int      `json:"tried"`   // schedules that were played
	Failed   int      `json:"failed"`  // of Confirm plays of the result, so many failed
	Played   int      `json:"played"`  // plays of the result
	Minimal  bool     `json:"minimal"` // nothing more can be taken away; false: the time was over before that was known
}

// Confirm is how often a schedule that was shrunk is played again.
const Confirm = 3

// Shrink takes away steps of a schedule for as long as what is left fails, and then makes
// smaller what is left: by halves first, then by ever smaller parts (Zeller's ddmin). The
// result is played Confirm times; where it does not fail every time, the next larger that
// failed is taken in its place, up to the schedule that it began with.
func Shrink(ctx context.Context, s Schedule, fails Fails) (Shrunk, error) {
	k := &shrinking{fails: fails, best: []Schedule{s}}
	err := k.steps(ctx)
	if err == nil {
		err = k.values(ctx)
	}
	out := Shrunk{From: len(s.Steps), Minimal: err == nil && ctx.Err() == nil}
	for i := len(k.best) - 1; i >= 0; i-- {
		out.Schedule, out.Failed, out.Played = k.best[i], 0, 0
		for range Confirm {
			again, failed := fails(ctx, k.best[i])
			if failed != nil {
				break
			}
			out.Played++
			k.tried++
			if again {
				out.Failed++
			}
		}
		if out.Failed == Confirm || ctx.Err() != nil {
			break
		}
		out.Minimal = false
	}
	out.To, out.Tried = len(out.Schedule.Steps), k.tried
	if err == nil {
		err = ctx.Err()
	}
	return out, err
}

type shrinking struct {
	fails Fails
	best  []Schedule // that failed, each smaller than the one before
	tried int
}

func (k *shrinking) smallest() Schedule { return k.best[len(k.best)-1] }

// try plays a candidate, and takes it where it fails.
func (k *shrinking) try(ctx context.Context, steps []Step) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s := k.smallest()
	s.Steps = steps
	k.tried++
	fails, err := k.fails(ctx, s)
	if fails && err == nil {
		k.best = append(k.best, s)
	}
	return fails, err
}

// steps takes steps away.
func (k *shrinking) steps(ctx context.Context) error {
	for size := max(1, len(k.smallest().Steps)/2); ; {
		taken := false
		// From the end: what comes after the breach matters least.
		for at := len(k.smallest().Steps); at > 0; at -= size {
			now := k.smallest().Steps
			if at > len(now) {
				continue
			}
			fails, err := k.try(ctx, slices.Delete(slices.Clone(now), max(0, at-size), at))
			if err != nil {
				return err
			}
			taken = taken || fails
		}
		switch {
		case size > 1:
			size /= 2
		case !taken:
			return nil
		}
	}
}

// values makes the numbers of what is left smaller, and its steps plainer.
func (k *shrinking) values(ctx context.Context) error {
	for i := range k.smallest().Steps {
		for _, plainer := range plainer(k.smallest().Steps[i]) {
			steps := slices.Clone(k.smallest().Steps)
			steps[i] = plainer
			fails, err := k.try(ctx, steps)
			if err != nil {
				return err
			}
			if fails {
				break
			}
		}
	}
	return nil
}

// plainer are simpler forms of a step, the simplest first.
func plainer(s Step) []Step {
	var out []Step
	add := func(change func(*Step)) {
		p := s
		change(&p)
		if p != s {
			out = append(out, p)
		}
	}
	if s.Do == Submit {
		add(func(p *Step) { *p = Step{Do: Submit, Turn: s.Turn, Ingress: s.Ingress, Hold: s.Hold} })
	}
	if s.Do == Crowd || s.Do == Cycle {
		add(func(p *Step) { p.N = 1 })
		add(func(p *Step) { p.N = max(1, s.N/10) })
		add(func(p *Step) { p.N = max(1, s.N/2) })
	}
	if s.Do == Begin || s.Do == Rewrite {
		add(func(p *Step) { p.How, p.MS = "", 0 })
	}
	return out
}
