package pod

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/wire"
)

// Turn says what a spec wants to submit; the zero value is a turn on the first
// ingress, on a fresh connection, answered by the model at once.
type Turn struct {
	Ingress    string
	Session    string
	Purpose    string
	Hold       bool          // the model holds it until Release
	ReplyBytes int           // length of the reply's text, default 64
	Stall      bool          // the client reads nothing before Resume
	Connection string        // name of a connection opened by OpenConnections, or kept by KeepAs
	KeepAs     string        // name under which its connection is kept once its answer is whole, for one turn
	Halves     bool          // half of it is sent when Submit returns; OnState brings the rest
	RetryFor   time.Duration // keep trying to connect this long
	OnState    string        // the probe submits it at the first reading of this state
	Fail       int           // the model answers with this HTTP status instead of a reply
	ToolCalls  int           // the model calls the target's tool this often before it replies
}

// Submitted is a turn on its way.
type Submitted struct {
	ID string
	gw *Gateway
}

// View is what is known of it now.
func (s *Submitted) View() TurnView {
	s.gw.live.mu.Lock()
	defer s.gw.live.mu.Unlock()
	if t := s.gw.live.turns[s.ID]; t != nil {
		return *t
	}
	return TurnView{ID: s.ID}
}

// Release opens the model's latch for it.
func (s *Submitted) Release(ctx context.Context) error { return s.gw.Release(ctx, s) }

// Resume lets a stalled client read again.
func (s *Submitted) Resume(ctx context.Context) error { return s.gw.Resume(ctx, s) }

// Abort hangs up on it.
func (s *Submitted) Abort(ctx context.Context) error {
	return s.gw.probe.Abort(ctx, s.ID)
}

// Emit streams n tokens of it while the latch stays shut.
func (s *Submitted) Emit(ctx context.Context, n int) error {
	return s.gw.probe.Emit(ctx, s.ID, n)
}

// Submit sends a turn, or arms it; it does not wait for the end.
func (g *Gateway) Submit(ctx context.Context, t Turn) (*Submitted, error) {
	id, err := g.probe.Submit(ctx, g.params(t))
	if err != nil {
		return nil, err
	}
	return &Submitted{ID: id, gw: g}, nil
}

func (g *Gateway) params(t Turn) wire.SubmitParams {
	p := wire.SubmitParams{
		Ingress: t.Ingress, Session: t.Session, Purpose: t.Purpose,
		Script: wire.Script{Hold: t.Hold, ReplyBytes: t.ReplyBytes, Fail: t.Fail, Tools: g.toolCalls(t.ToolCalls)},
		Stall:  t.Stall, Connection: t.Connection, KeepAs: t.KeepAs, Halves: t.Halves, RetryFor: t.RetryFor,
		GiveUp: g.Grace(),
	}
	if p.Ingress == "" {
		p.Ingress = g.o.Target.Ingresses[0].Name
	}
	if t.OnState != "" {
		p.When = &wire.When{State: t.OnState}
	}
	return p
}

// Sweep sends turns every so often across a flip; see wire.SweepParams.
type Sweep struct {
	Turn        Turn
	Every       time.Duration
	Marker      history.Op    // OpBegin or OpCancel: what is done to the marker Lead into the sweep; "" = nothing
	Lead        time.Duration // turns sent for this long before the marker
	Until       string        // canonical state to wait for; "" = none, only Past counts
	Past        time.Duration // go on this long after the state was read
	MaxInFlight int
}

// Sweep runs one and returns its turns in the order in which they were sent.
// That the state is not reached within the grace is no error: it shows in the
// history.
func (g *Gateway) Sweep(ctx context.Context, s Sweep) ([]*Submitted, error) {
	p := wire.SweepParams{
		Submit: g.params(s.Turn), Every: s.Every, Until: s.Until, Past: s.Past,
		Lasting: s.Lead + g.Grace() + s.Past, MaxHeld: s.MaxInFlight,
	}
	if s.Until == "" {
		p.Lasting = s.Lead + s.Past
	}
	if s.Marker != "" {
		p.Marker, p.MarkerAfter = &wire.MarkerParams{Op: s.Marker}, s.Lead
		if s.Marker == history.OpBegin {
			p.Marker.Epoch = g.epoch
		}
	}
	r, err := g.probe.Sweep(ctx, p)
	if err != nil {
		return nil, err
	}
	out := make([]*Submitted, 0, len(r.Turns))
	for _, id := range r.Turns {
		out = append(out, &Submitted{ID: id, gw: g})
	}
	return out, nil
}

// ReadSession writes down whose turns the gateway keeps in a session's history.
func (g *Gateway) ReadSession(ctx context.Context, name string) error {
	return g.probe.Session(ctx, name)
}

// Release opens the model's latch for these turns, or for all.
func (g *Gateway) Release(ctx context.Context, turns ...*Submitted) error {
	return g.probe.Release(ctx, named(turns)...)
}

// Resume lets these stalled clients read again, or all.
func (g *Gateway) Resume(ctx context.Context, turns ...*Submitted) error {
	return g.probe.Resume(ctx, named(turns)...)
}

func named(turns []*Submitted) []string {
	var ids []string
	for _, t := range turns {
		ids = append(ids, t.ID)
	}
	return ids
}

// OpenConnections opens idle keep-alive connections to an ingress; each has
// carried one complete request already.
func (g *Gateway) OpenConnections(ctx context.Context, ingress string, names ...string) error {
	r := g.pod.Resolved()
	return g.probe.Connections(ctx, wire.ConnectionsParams{
		Ingress: ingress, Names: names, WarmURL: r.Expand(r.Target.Ready.URL),
	})
}

// BeginDrain writes the marker in place, as a controller would. On a marker that
// is there already it is a rewrite.
func (g *Gateway) BeginDrain(ctx context.Context) error {
	return g.marker(ctx, wire.MarkerParams{Op: history.OpBegin, Epoch: g.epoch})
}

// Rewrite requests the drain that is in effect once more: in place, or with how
// "rename" by replacing the file.
func (g *Gateway) Rewrite(ctx context.Context, how string) error {
	return g.marker(ctx, wire.MarkerParams{Op: history.OpBegin, How: how, Epoch: g.epoch})
}

// CancelDrain removes the marker; also when there is none.
func (g *Gateway) CancelDrain(ctx context.Context) error {
	return g.marker(ctx, wire.MarkerParams{Op: history.OpCancel})
}

// LayMarker lays a marker of the corpus: where there is none it begins a drain, if
// it does; over another it replaces it.
func (g *Gateway) LayMarker(ctx context.Context, m corpus.Marker) error {
	return g.marker(ctx, m.Params(time.Now(), g.epoch))
}

// LayDecoy lays a marker outside the gateway's home, in one of wire's places.
// Nothing may follow from it (MARKER-002).
func (g *Gateway) LayDecoy(ctx context.Context, place string) error {
	return g.marker(ctx, wire.MarkerParams{Op: history.OpDecoy, Place: place})
}

// RemoveDecoy ends a LayDecoy; also when there is none.
func (g *Gateway) RemoveDecoy(ctx context.Context, place string) error {
	return g.marker(ctx, wire.MarkerParams{Op: history.OpCancel, Place: place})
}

// Hurry performs these operations, begins and cancels, one right after the other:
// no gateway has the time to follow each.
func (g *Gateway) Hurry(ctx context.Context, first history.Op, then ...history.Op) error {
	p := wire.MarkerParams{Op: first, Epoch: g.epoch}
	for _, op := range then {
		p.Then = append(p.Then, wire.MarkerParams{Op: op, Epoch: g.epoch})
	}
	return g.marker(ctx, p)
}

func (g *Gateway) marker(ctx context.Context, p wire.MarkerParams) error {
	return g.probe.Marker(ctx, p)
}

// Hold lets time pass on purpose: for rules that say that nothing happens. It
// returns early when the gateway's process is gone, since nothing more can.
func (g *Gateway) Hold(ctx context.Context, d time.Duration) error {
	end := time.NewTimer(d)
	defer end.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-look.C:
			if !g.Alive() {
				return nil
			}
		}
	}
}

// configure is the target as the probe must know it.
func configure(r *runtime.Resolved) wire.ConfigureParams {
	t := r.Target
	c := wire.ConfigureParams{
		Home: r.Home, UID: r.UID, GID: r.GID, Marker: r.Marker,
		ModelAddress: r.ModelAddress, CallbackAddress: r.CallbackAddress, DriverAddress: r.DriverAddress, Bound: t.Bounds.Observe,
	}
	c.IngressPorts = ingressPorts(r)
	if t.Init != nil {
		c.Gateway = t.Init.Gateway
	}
	if c.NotifyAddress = r.NotifyAddress; c.NotifyAddress != "" {
		for _, b := range t.Notify.Broadcast {
			c.Broadcasts = append(c.Broadcasts, wire.Broadcast(b))
		}
	}
	for _, p := range t.Publications {
		w := wire.Publication{
			Name: p.Name, State: p.State, Count: p.Count, States: p.States, Header: expandAll(r, p.Header),
			Busy: p.Busy, Drainable: p.Drainable, Driver: p.Driver,
		}
		switch {
		case p.Driver:
		case p.File != "":
			w.File = r.Home + "/" + p.File
		default:
			w.URL = r.Expand(p.URL)
		}
		c.Publications = append(c.Publications, w)
	}
	for _, in := range t.Ingresses {
		c.Ingresses = append(c.Ingresses, wire.Ingress{
			Name: in.Name, Wire: in.Wire, Method: in.Method, URL: r.Expand(in.URL),
			Header: expandAll(r, in.Header), SessionHeader: in.SessionHeader, Stream: in.Stream, Durable: in.Durable, Model: in.Model,
			Body: r.Expand(in.Body), Reply: in.Reply, Done: streamEvents(in.Done), Failed: streamEvents(in.Failed),
			Poll: poll(r, in.Poll), Callback: callback(in.Callback),
			Refused: recognise(in.Refused), Busy: recognise(in.Busy), Queued: recognise(in.Queued),
		})
	}
	if s := t.Sessions; s != nil && s.History != nil {
		h := s.History
		c.Sessions = &wire.Sessions{Method: h.Method, URL: r.Expand(h.URL), Header: expandAll(r, h.Header), Body: r.Expand(h.Body), Messages: s.Messages}
	}
	c.Redact = secretsOf(r)
	return c
}

// secretsOf are the values that must not be seen anywhere.
func secretsOf(r *runtime.Resolved) []string {
	var out []string
	for _, name := range r.Target.Secrets {
		if v := r.Expand(r.Target.Env[name]); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// ingressPorts are the ports turns come in by: the sockets that must survive.
func ingressPorts(r *runtime.Resolved) []int {
	var ports []int
	for _, in := range r.Target.Ingresses {
		u, err := url.Parse(r.Expand(in.URL))
		if err != nil {
			continue // the probe will say so when a turn is sent
		}
		if p, err := strconv.Atoi(u.Port()); err == nil && !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	return ports
}

func expandAll(r *runtime.Resolved, in map[string]string) map[string]string {
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[k] = r.Expand(v)
	}
	return out
}
