package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// stampPairs is how many pairs of stamps measure the probe's own error.
const stampPairs = 200

// handle does what one request asks for. ctx ends with the conversation.
func (p *Probe) handle(ctx context.Context, req wire.Request) (any, error) {
	switch req.Verb {
	case wire.VerbHello:
		return with(req, func(h wire.HelloParams) (any, error) { return p.hello(ctx, h) })
	case wire.VerbConfigure:
		return with(req, func(c wire.ConfigureParams) (any, error) { return nil, p.configure(c) })
	case wire.VerbStamp:
		return now(), nil
	case wire.VerbNote:
		return with(req, p.note)
	case wire.VerbReady:
		return with(req, func(r wire.ReadyParams) (any, error) { return p.ready(ctx, r), nil })
	}
	s, err := p.configured()
	if err != nil {
		return nil, err
	}
	switch req.Verb {
	case wire.VerbMarker:
		return with(req, func(m wire.MarkerParams) (any, error) { return nil, s.markerRequest(m) })
	case wire.VerbControl:
		return with(req, func(c wire.ControlParams) (any, error) { return s.control(ctx, c) })
	case wire.VerbLend:
		return with(req, func(l wire.LendParams) (any, error) { return nil, s.marker.lendOut(l) })
	case wire.VerbReclaim:
		return s.marker.reclaim()
	case wire.VerbSubmit:
		return with(req, func(sp wire.SubmitParams) (any, error) {
			t, err := s.submit(sp)
			if err != nil {
				return nil, err
			}
			return wire.SubmitResult{Turn: t.id}, nil
		})
	case wire.VerbExpect:
		return with(req, func(e wire.ExpectParams) (any, error) {
			t, err := s.expect(e)
			if err != nil {
				return nil, err
			}
			return wire.SubmitResult{Turn: t.id}, nil
		})
	case wire.VerbArrange:
		return with(req, func(a wire.ArrangeParams) (any, error) { return s.arrange(ctx, a) })
	case wire.VerbSweep:
		return with(req, func(sp wire.SweepParams) (any, error) { return s.sweep(ctx, sp) })
	case wire.VerbSession:
		return with(req, func(sp wire.SessionParams) (any, error) { return nil, s.readSession(ctx, sp) })
	case wire.VerbLoad:
		return with(req, func(l wire.LoadParams) (any, error) { return nil, s.load(ctx, l) })
	case wire.VerbUnload:
		return nil, s.unload(ctx)
	case wire.VerbRelease:
		return with(req, func(t wire.TurnsParams) (any, error) { return nil, s.release(ctx, t.Turns) })
	case wire.VerbEmit:
		return with(req, func(e wire.EmitParams) (any, error) { return nil, s.emit(ctx, e) })
	case wire.VerbResume:
		return with(req, func(t wire.TurnsParams) (any, error) { return nil, s.resume(ctx, t.Turns) })
	case wire.VerbAbort:
		return with(req, func(t wire.TurnsParams) (any, error) { return nil, s.abort(ctx, t.Turns) })
	case wire.VerbRead:
		return with(req, func(r wire.ReadParams) (any, error) { return s.read(r.Publication) })
	case wire.VerbWatch:
		return with(req, func(w wire.WatchParams) (any, error) { return s.processes.watch(ctx, w) })
	case wire.VerbSignal:
		return with(req, func(sp wire.SignalParams) (any, error) { return nil, s.processes.signal(sp.Signal) })
	case wire.VerbConnections:
		return with(req, func(c wire.ConnectionsParams) (any, error) { return nil, s.openConnections(ctx, c) })
	case wire.VerbFile:
		return with(req, func(f wire.FileParams) (any, error) { return s.file(f) })
	default:
		return nil, fmt.Errorf("this probe does not know the verb %q; build probe and suite from one checkout", req.Verb)
	}
}

// with decodes the parameters and calls f. Unknown fields are an error: a
// parameter that is silently ignored would make a check silently weaker.
func with[T any](req wire.Request, f func(T) (any, error)) (any, error) {
	var params T
	if len(req.Params) > 0 {
		d := json.NewDecoder(bytes.NewReader(req.Params))
		d.DisallowUnknownFields()
		if err := d.Decode(&params); err != nil {
			return nil, fmt.Errorf("parameters of %s: %w", req.Verb, err)
		}
	}
	return f(params)
}

func (p *Probe) hello(ctx context.Context, h wire.HelloParams) (any, error) {
	if h.Version != wire.Version {
		return nil, fmt.Errorf("the probe speaks version %d and the suite version %d; build both from one checkout", wire.Version, h.Version)
	}
	return wire.HelloResult{
		Version:    wire.Version,
		PID:        os.Getpid(),
		StampError: p.rec.stampError(ctx, stampPairs),
		Stamp:      now(),
	}, nil
}

// note records an event of the suite's own.
func (p *Probe) note(n wire.NoteParams) (any, error) {
	ev := n.Event
	if ev.Kind == "" {
		return nil, errors.New("a noted event needs a kind")
	}
	ev.Return = now()
	ev.Call = ev.Return
	if n.CallAt != 0 {
		if n.CallAt > ev.Return {
			return nil, fmt.Errorf("call_at %d lies after now, %d: it is no stamp of this probe's clock", n.CallAt, ev.Return)
		}
		ev.Call = n.CallAt
	}
	if ev.Action != nil && ev.Action.Name == history.ActionEnd {
		// What is judged ends here, and noise that goes on is part of it.
		if s, err := p.configured(); err == nil {
			s.processes.tellStarvation()
			s.processes.tellMemory()
		}
	}
	p.rec.record(ev)
	return ev.Return, nil
}
