package conformance

import (
	"context"
	"errors"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/wire"
)

// lot is the share of the catalogue's markers that one spec lays: those that test
// a requirement, or a part of them where they are many. A gateway that takes all
// the time it is allowed must get to the end of its spec, too.
type lot struct {
	name, text string
	tests      string   // the requirement that the markers test
	part, of   int      // from 1
	ids        []string // the requirements that the spec is bound to
}

func lots() []lot {
	return []lot{
		{"presence", "drains on a marker by its presence alone, whatever it contains", "MARKER-001", 1, 1, ids("MARKER-001")},
		{"invalid-json", "drains, and goes on draining, on a marker that is not JSON", "MARKER-003", 1, 1, ids("MARKER-003")},
		{"damaged-1", "drains, and goes on draining, on a damaged marker (part 1 of 3)", "MARKER-004", 1, 3, ids("MARKER-004")},
		{"damaged-2", "drains, and goes on draining, on a damaged marker (part 2 of 3)", "MARKER-004", 2, 3, ids("MARKER-004")},
		{"damaged-3", "drains, and goes on draining, on a damaged marker (part 3 of 3)", "MARKER-004", 3, 3, ids("MARKER-004")},
		{"unreadable", "drains, and goes on draining, on a marker it may not read", "MARKER-005", 1, 1, ids("MARKER-005", "MARKER-010")},
		{"irregular-1", "survives what is no regular file in the marker's place, and keeps its drain (part 1 of 2)", "MARKER-006", 1, 2, ids("MARKER-006", "MARKER-010")},
		{"irregular-2", "survives what is no regular file in the marker's place, and keeps its drain (part 2 of 2)", "MARKER-006", 2, 2, ids("MARKER-006")},
		{"unknown-fields", "drains, and goes on draining, on a marker with fields it does not know", "MARKER-007", 1, 1, ids("MARKER-007")},
		{"ways", "sees a marker in whichever way it is written", "MARKER-009", 1, 1, ids("MARKER-009")},
	}
}

// markers of the lot that can prove something of the gateway.
func (l lot) markers(c *corpus.Corpus, root bool) []corpus.Marker {
	all := c.For(l.tests)
	var out []corpus.Marker
	for _, m := range all[len(all)*(l.part-1)/l.of : len(all)*l.part/l.of] {
		if !root || !m.NotAsRoot {
			out = append(out, m)
		}
	}
	return out
}

// The MARKER family: what is a request to drain, and what a gateway makes of it.
func (s *suite) marker() {
	for _, l := range lots() {
		s.situation("MARKER", l.name, l.text, l.ids, func(ctx context.Context, gw gateway) {
			markers := l.markers(s.markers, gw.Root())
			gw.heedsEach(ctx, markers)
			gw.keepsEach(ctx, markers, s.cadence(gw))
		})
	}

	s.situation("MARKER", "idle",
		"drains for as long as the marker is there, with nothing in flight",
		ids("MARKER-001", "STATE-008"),
		func(ctx context.Context, gw gateway) {
			long := s.patience(gw)
			gw.step(ctx, "drain for %s with nothing in flight", long)
			gw.drain(ctx)
			gw.holds(ctx, long, expect.BeDraining())
			gw.revert(ctx)
			gw.accepts(ctx, pod.Turn{Purpose: "after a long drain"})
		})

	s.situation("MARKER", "home",
		"takes no notice of a marker outside its own home",
		ids("MARKER-002"),
		func(ctx context.Context, gw gateway) {
			places := []string{wire.PlaceWorkingDirectory, wire.PlaceParent}
			var barred []error // places that are the home itself, or can't be written
			for _, place := range places {
				gw.step(ctx, "lay a marker in the %s, and hold for B", place)
				if err := gw.LayDecoy(ctx, place); err != nil {
					barred = append(barred, err)
					continue
				}
				gw.holds(ctx, gw.whole(), expect.BeRunning())
				must(gw.RemoveDecoy(ctx, place))
			}
			if len(barred) == len(places) {
				must(errors.Join(barred...))
			}
			gw.step(ctx, "a marker in its own home is heeded all the same")
			gw.drain(ctx)
			gw.revert(ctx)
		})
}

// cadence is for how long a marker lies over a drain before the next: a little more
// than half of B, within which a gateway looks, and in an audit all of B.
func (s *suite) cadence(g gateway) time.Duration {
	if s.cfg.Level == config.LevelAudit {
		return g.whole()
	}
	return g.B()/2 + g.B()/10
}

// heedsEach lays every marker where there is none.
func (g gateway) heedsEach(ctx context.Context, markers []corpus.Marker) {
	for _, m := range markers {
		g.step(ctx, "lay %s where there is no marker: %s", m.ID, m.Why)
		g.lay(ctx, m)
		if m.Drains == history.Must {
			g.eventually(ctx).Should(expect.BeDraining())
		} else {
			g.meets(ctx)
		}
		if !m.Regular() {
			g.mend(ctx)
		}
		g.revert(ctx)
	}
}

// keepsEach lays every marker over a drain in effect: one over the other, since
// nothing tells when a gateway has looked that sees no reason to publish.
func (g gateway) keepsEach(ctx context.Context, markers []corpus.Marker, cadence time.Duration) {
	g.drain(ctx)
	for i, m := range markers {
		g.step(ctx, "lay %s over the drain in effect", m.ID)
		g.lay(ctx, m)
		if m.Keeps != history.Must {
			must(g.Hold(ctx, g.whole()))
			g.mend(ctx)
			continue
		}
		lies := cadence
		if i == len(markers)-1 || !m.Regular() {
			lies = g.whole()
		}
		g.holds(ctx, lies, expect.BeDraining())
	}
	g.revert(ctx)
}

// lay lays a marker of the catalogue. Written in place it is there in part before it
// is whole, and a gateway that looks just then meets another one: so it is frozen
// meanwhile, except where the ways of writing are what is tested.
func (g gateway) lay(ctx context.Context, m corpus.Marker) {
	if m.How != wire.WayInPlace || m.Tests == "MARKER-009" {
		must(g.LayMarker(ctx, m))
		return
	}
	must(g.Freeze(ctx))
	must(g.LayMarker(ctx, m))
	must(g.Thaw(ctx))
}

// meets lets the gateway meet a marker on which it need not drain. It has when it
// does, or when B is over.
func (g gateway) meets(ctx context.Context) {
	within(ctx, g.whole(), func() bool { ok, _ := expect.BeDraining().Match(g.Published()); return ok })
}

// mend puts an ordinary marker in the place of what lies there, and leaves it there
// for long enough to be noticed by itself.
func (g gateway) mend(ctx context.Context) {
	g.step(ctx, "put an ordinary marker in its place")
	g.drain(ctx)
	g.holds(ctx, g.B()/4, expect.BeDraining())
}
