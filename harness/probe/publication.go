package probe

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// publication is one place where state is published, and its observer. Reads of
// one publication never overlap, so their order is the order of the history.
type publication struct {
	spec  wire.Publication
	rec   sink
	armed *armory

	recordEvery time.Duration // a value that does not change

	fetch func(ctx context.Context) reading

	mu       sync.Mutex
	last     reading // the read before
	skipped  bool    // last was not recorded
	recorded history.Stamp
}

// reading is one read: what was seen, between which stamps.
type reading struct {
	state     history.State
	call, ret history.Stamp
}

func newPublication(spec wire.Publication, d *driver, rec sink, armed *armory, recordEvery time.Duration) (*publication, error) {
	p := &publication{spec: spec, rec: rec, armed: armed, recordEvery: recordEvery}
	if spec.Name == "" || spec.State == "" || spec.Count == "" {
		return nil, fmt.Errorf("publication %q: name, state and count must be set", spec.Name)
	}
	for word, state := range spec.States {
		if !canonical(state) {
			return nil, fmt.Errorf("publication %s: %q is mapped to %q, which is no canonical state", spec.Name, word, state)
		}
	}
	switch {
	case spec.Driver && d != nil && spec.File == "" && spec.URL == "":
		p.fetch = d.publisher(&p.spec)
	case spec.Driver || (spec.File == "") == (spec.URL == ""):
		return nil, fmt.Errorf("publication %s: either file or url must be set, or that the driver reads it", spec.Name)
	case spec.URL != "":
		get, err := newHTTPReader(&p.spec)
		if err != nil {
			return nil, fmt.Errorf("publication %s: %w", spec.Name, err)
		}
		p.fetch = get.fetch
	case !filepath.IsAbs(spec.File):
		return nil, fmt.Errorf("publication %s: file %q is not absolute", spec.Name, spec.File)
	default:
		p.fetch = newFileReader(&p.spec).fetch
	}
	return p, nil
}

// read reads once, tells the armed actions, and records what deserves it.
func (p *publication) read(ctx context.Context, asked bool) history.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.fetch(ctx)
	if ctx.Err() != nil && r.state.Problem != "" {
		return r.state // the probe is stopping: that is no fault of the gateway's
	}
	r.state.Asked = asked
	p.keep(r)
	p.armed.saw(p.spec.Name, r.state.State, r.call)
	return r.state
}

// keep thins equal reads: it records a read that differs from the one before,
// together with that one, so the change lies in the shortest interval known; and
// an unchanged value now and then.
func (p *publication) keep(r reading) {
	changed := p.recorded == 0 || !same(r.state, p.last.state)
	if changed && p.skipped {
		p.write(p.last)
	}
	if changed || r.state.Asked || r.call.Sub(p.recorded) >= p.recordEvery {
		p.write(r)
		p.skipped = false
	} else {
		p.skipped = true
	}
	p.last = r
}

func (p *publication) write(r reading) {
	p.recorded = r.call
	state := r.state
	p.rec.record(history.Event{Kind: history.KindState, Call: r.call, Return: r.ret, State: &state})
}

// same says whether two reads tell the same. The text of an error is no part of
// it: it may hold a time or a port.
func same(a, b history.State) bool {
	return a.State == b.State && a.Raw == b.Raw && a.Count == b.Count &&
		a.Problem == b.Problem && a.Version == b.Version && a.Busy == b.Busy && a.Drainable == b.Drainable
}

// observe reads until ctx ends, in the way that fits the publication.
func (p *publication) observe(ctx context.Context, log *slog.Logger, f *focus) {
	if p.spec.File != "" {
		p.observeFile(ctx, log, f)
		return
	}
	every := time.Duration(p.spec.EveryMS) * time.Millisecond
	if every <= 0 {
		every = 20 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		p.read(ctx, false)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
