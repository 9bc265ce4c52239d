package pod

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/redact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// Options say which gateway, where, and under which heading its history stands.
type Options struct {
	Runtime  runtime.Runtime
	Prepared runtime.Prepared
	Target   *target.Target
	Header   history.Header // Image, Runtime, Target and StampError are filled in
	File     string         // path of the history; "" keeps it in memory only
	Progress func(string)   // told every step; may be nil
	// HomeBytes limits the home, so that it can be full; 0: it does not. Such a pod cannot
	// be recreated.
	HomeBytes int64
}

// Gateway is one gateway under test in its pod.
type Gateway struct {
	o      Options
	pod    runtime.Pod
	probe  *wire.Client
	live   *live
	writer *history.Writer
	seq    uint64
	seqMu  sync.Mutex
	follow context.CancelFunc
	epoch  string          // see Epoch
	broken error           // the history could not be written
	doing  *history.Event  // a signal on its way, not in the history yet; under seqMu
	past   map[string]bool // turns of the history before a cut; under seqMu
	ended  bool
}

// New makes the pod and configures its probe; the gateway is not started, so a
// spec can lay a marker first.
func New(ctx context.Context, o Options) (*Gateway, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	p, err := o.Runtime.NewPod(ctx, o.Target, o.Prepared, runtime.PodOptions{Name: o.Header.Spec, HomeBytes: o.HomeBytes})
	if err != nil {
		return nil, err
	}
	g := &Gateway{o: o, pod: p, live: newLive()}
	if err := g.connect(ctx); err != nil {
		g.abandon()
		return nil, err
	}
	followed, stop := context.WithCancel(context.WithoutCancel(ctx))
	g.follow = stop
	go func() { _ = p.Follow(followed, g.logLine) }()
	return g, nil
}

// Start is New, then the gateway, then its ready check.
func Start(ctx context.Context, o Options) (*Gateway, error) {
	g, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := g.Start(ctx); err != nil {
		g.abandon()
		return nil, err
	}
	return g, nil
}

// abandon removes a pod that never came to be judged.
func (g *Gateway) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	g.ended = true
	if g.follow != nil {
		g.follow()
	}
	_ = g.pod.Close(ctx)
	if g.writer != nil {
		_, _, _ = g.writer.Close()
	}
}

// connect opens the conversation with the probe and tells it the target.
func (g *Gateway) connect(ctx context.Context) error {
	g.probe = wire.NewClient(g.pod.Probe(), g.record)
	hello, err := g.probe.Hello(ctx)
	if err != nil {
		return fmt.Errorf("the probe does not answer: %w", err)
	}
	if g.writer == nil && g.o.File != "" {
		h := g.o.Header
		h.Schema, h.Bound, h.StampError = 1, g.o.Target.Bounds.Observe, hello.StampError
		h.Target, h.Features = g.o.Target.Name, g.o.Target.Features
		h.Overrides = g.o.Target.Overrides
		if g.o.Target.Shutdown != nil {
			h.ShutdownDeadline = g.o.Target.Shutdown.Deadline
		}
		if g.o.Target.Declares("expiry") {
			h.MaxAge = g.o.Target.Expiry.MaxAge
		}
		h.Runtime, h.Image, h.Root, h.Lacks = g.o.Runtime.Name(), g.o.Prepared.ImageID, g.Root(), g.o.Target.Lacks()
		w, err := history.Create(g.o.File, h)
		if err != nil {
			return err
		}
		g.seqMu.Lock()
		g.writer = w
		g.o.Header = h
		g.live.add(history.Event{Kind: history.KindHeader, Header: &h}) // the writer has it as number 0
		g.seqMu.Unlock()
	}
	if err := g.probe.Configure(ctx, configure(g.pod.Resolved())); err != nil {
		return fmt.Errorf("the probe could not be configured: %w", err)
	}
	return nil
}

// asRoot says whether a gateway with the home's owner is root; -1 is whoever runs
// the suite.
func asRoot(uid int) bool { return uid == 0 || uid < 0 && os.Geteuid() == 0 }

// Root says whether the gateway runs as root, from whom no file can be kept.
func (g *Gateway) Root() bool { return asRoot(g.pod.Resolved().UID) }

// sidecars are the command lines of what the target runs besides its gateway.
func sidecars(r *runtime.Resolved) [][]string {
	var all [][]string
	for _, s := range r.Target.Sidecars {
		all = append(all, r.Command(s.Command))
	}
	return all
}

// record numbers an event and keeps it; called in order by the wire client. What a probe
// tells before it knows of a target, of a stall perhaps, belongs to no history.
func (g *Gateway) record(e history.Event) {
	g.seqMu.Lock()
	defer g.seqMu.Unlock()
	if g.isPast(e) || g.writer == nil && g.o.File != "" {
		return
	}
	g.seq++
	e.Seq = g.seq
	g.keep(e)
}

// keep takes a numbered event into the history; seqMu is held.
func (g *Gateway) keep(e history.Event) {
	g.live.add(e)
	if g.writer != nil && !g.ended {
		if _, err := g.writer.Append(e); err != nil && g.broken == nil {
			g.broken = err
		}
	}
}

// Start launches the gateway for the first time and waits for its ready check.
func (g *Gateway) Start(ctx context.Context) error {
	if err := g.launch(ctx, history.ActionStart, g.pod.StartGateway); err != nil {
		return err
	}
	return g.AwaitReady(ctx)
}

// Launch is Start without waiting for ready: for gateways that start under a
// marker, where what happens before ready is what is looked at.
func (g *Gateway) Launch(ctx context.Context) error {
	return g.launch(ctx, history.ActionStart, g.pod.StartGateway)
}

// Respawn starts an ended gateway again, in the same instantiation.
func (g *Gateway) Respawn(ctx context.Context) error {
	// What the old process left is read once more, or nobody could tell it from what the
	// new one publishes first.
	for _, p := range g.o.Target.Publications {
		if p.File == "" {
			continue
		}
		if _, err := g.probe.Read(ctx, p.Name); err != nil {
			return err
		}
	}
	if err := g.staysDown(ctx, 0); err != nil {
		return err
	}
	return g.launch(ctx, history.ActionRespawn, g.pod.Respawn)
}

// TryInit ends a gateway under an init of its own and, where the target says how, starts it
// again: what is wrong with what the target says of that is found out here, and not held
// against the gateway. It leaves a gateway that can be judged no more.
func (g *Gateway) TryInit(ctx context.Context) error {
	init := g.o.Target.Init
	if init == nil {
		return nil
	}
	if err := g.SIGKILL(ctx); err != nil {
		return err
	}
	if err := g.staysDown(ctx, supervised); err != nil {
		return err
	}
	const killed = 128 + 9
	switch code, err := g.AwaitExit(ctx); {
	case err != nil:
		return err
	case len(init.Exit) > 0 && code != killed:
		return fmt.Errorf("init.exit says %d of a gateway that was killed; it must print %d, 128 and the signal", code, killed)
	}
	if len(init.Respawn) == 0 {
		return nil
	}
	if err := g.Respawn(ctx); err != nil {
		return err
	}
	return g.AwaitReady(ctx)
}

// supervised is how long a supervisor may take to start again what has ended.
const supervised = 3 * time.Second

// staysDown looks for so long whether a gateway under an init of its own runs again although
// nobody started it, which is an error: what a gateway does that is down could not be asked.
func (g *Gateway) staysDown(ctx context.Context, within time.Duration) error {
	if g.o.Target.Init == nil {
		return nil
	}
	if _, err := g.probe.Watch(ctx, wire.WatchParams{Within: within}); err != nil {
		return ctx.Err() // nobody is there
	}
	return errors.New("the gateway's init has started it again by itself after it was ended; add init.leave, a command that keeps the init from it")
}

func (g *Gateway) launch(ctx context.Context, name string, start func(context.Context) error) error {
	if err := g.furnish(ctx, name == history.ActionStart); err != nil {
		return err
	}
	if err := g.act(ctx, name, start); err != nil {
		return err
	}
	before, err := g.Stamp(ctx)
	if err != nil {
		return err
	}
	if _, err := g.probe.Watch(ctx, wire.WatchParams{PID: g.pod.GatewayPID(), Others: sidecars(g.pod.Resolved()), Within: 5 * time.Second}); err != nil {
		what := fmt.Sprintf("the gateway's process was not seen after its start: %v", err)
		if g.o.Target.Init != nil {
			return g.startFailure(ctx, what) // its init may take its time, and nobody knows how long
		}
		return g.down(ctx, before, what)
	}
	return nil
}

// furnish lays what the gateway is to find in its home, or removes what it is not to find
// there again.
func (g *Gateway) furnish(ctx context.Context, first bool) error {
	r := g.pod.Resolved()
	if !first {
		for _, path := range r.Target.Home.Clear {
			if _, err := g.probe.File(ctx, wire.FileParams{Op: "remove", Path: path}); err != nil {
				return fmt.Errorf("remove %s from the home: %w", path, err)
			}
		}
		return nil
	}
	for _, f := range r.Target.Home.Files {
		if _, err := g.probe.File(ctx, wire.FileParams{Op: "write", Path: f.Path, Content: []byte(r.Expand(f.Content))}); err != nil {
			return fmt.Errorf("lay %s into the home: %w", f.Path, err)
		}
	}
	return nil
}

// AwaitReady polls the target's ready check.
func (g *Gateway) AwaitReady(ctx context.Context) error {
	r := g.pod.Resolved()
	before, err := g.Stamp(ctx)
	if err != nil {
		return err
	}
	ready, err := g.probe.Ready(ctx, wire.ReadyParams{URL: r.Expand(r.Target.Ready.URL), Within: r.Target.Ready.Within})
	if err != nil {
		return err
	}
	if !ready.Ready {
		what := fmt.Sprintf("the gateway did not become ready within %s", r.Target.Ready.Within)
		if !g.Alive() {
			what = "the gateway ended before it became ready"
		}
		what = fmt.Sprintf("%s (%s); last seen: %s", what, cmp.Or(r.Expand(r.Target.Ready.URL), "its driver says"), ready.Last)
		if g.Shows(history.Draining) && r.Target.Ready.URL != "" && g.Alive() {
			what += "; it publishes draining: ready.url must answer with success in a drain, too"
		}
		if r.Target.Ready.URL == "" && g.Alive() {
			return g.startFailure(ctx, what) // it may be the driver's
		}
		return g.down(ctx, before, what)
	}
	return g.note(ctx, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionReady}}, before)
}

// Settle waits, for B at the most, until every publication shows running, so that what
// comes next finds a gateway at rest. Whether it comes to that is not asked here.
func (g *Gateway) Settle(ctx context.Context) error {
	g.Awaits(ctx, g.B(), func() bool { return g.Shows(history.Running) })
	return ctx.Err()
}

// StartError is a gateway that did not come up; nothing could be observed.
type StartError struct {
	What string
	Logs []string // its last words
}

// Error implements error.
func (e *StartError) Error() string {
	if len(e.Logs) == 0 {
		return e.What + "; it wrote nothing"
	}
	return e.What + "; its last lines:\n    " + strings.Join(e.Logs, "\n    ")
}

func (g *Gateway) startFailure(ctx context.Context, what string) error {
	if ctx.Err() != nil {
		return ctx.Err() // it had no time to
	}
	return &StartError{What: what, Logs: g.Logs(ctx, 10)}
}

// exitTold is how long the runtime is given to say how a gateway ended that did not come up.
const exitTold = time.Second

// down is a gateway that did not come up since an instant. That stands in its history: where
// a drain kept it from that, it is held against it (RESTART-001, RESTART-002).
func (g *Gateway) down(ctx context.Context, since history.Stamp, what string) error {
	a := &history.Action{Name: history.ActionReady, Error: what}
	if !g.Alive() && g.o.Target.Init == nil {
		within, cancel := context.WithTimeout(ctx, exitTold)
		defer cancel()
		if code, err := g.pod.WaitGateway(within); err == nil && code >= 0 {
			a.ExitCode = &code
			what += fmt.Sprintf("; it ended with exit code %d", code)
		}
	}
	if ctx.Err() == nil {
		if err := g.note(ctx, history.Event{Kind: history.KindAction, Action: a}, since); err != nil {
			return err
		}
	}
	return g.startFailure(ctx, what)
}

func (g *Gateway) note(ctx context.Context, e history.Event, call history.Stamp) error {
	_, err := g.probe.Note(ctx, wire.NoteParams{Event: e, CallAt: call})
	return err
}

// Stamp reads the pod's clock.
func (g *Gateway) Stamp(ctx context.Context) (history.Stamp, error) {
	return g.probe.Stamp(ctx)
}

// Step says what the spec does next; it stands in the history and in the progress.
func (g *Gateway) Step(ctx context.Context, text string) error {
	g.o.Progress(text)
	return g.note(ctx, history.Event{Kind: history.KindStep, Step: &history.Step{Text: text}}, 0)
}

// SIGTERM asks the gateway to shut down.
func (g *Gateway) SIGTERM(ctx context.Context) error {
	return g.act(ctx, history.ActionSIGTERM, func(ctx context.Context) error { return g.pod.Signal(ctx, "TERM") })
}

// SIGKILL ends the gateway at once and waits until it is gone.
func (g *Gateway) SIGKILL(ctx context.Context) error {
	err := g.act(ctx, history.ActionSIGKILL, func(ctx context.Context) error { return g.pod.Signal(ctx, "KILL") })
	if err != nil {
		return err
	}
	if err := g.leaves(ctx); err != nil || g.o.Target.Init != nil {
		return err
	}
	_, err = g.pod.WaitGateway(ctx)
	return err
}

// AwaitExit waits until the gateway has ended, and returns and records its exit
// code; -1 where nobody can tell.
func (g *Gateway) AwaitExit(ctx context.Context) (int, error) {
	if err := g.leaves(ctx); err != nil {
		return 0, err
	}
	code, err := g.pod.WaitGateway(ctx)
	if err != nil {
		return code, err
	}
	a := &history.Action{Name: history.ActionExited}
	if code >= 0 {
		a.ExitCode = &code
	}
	return code, g.note(ctx, history.Event{Kind: history.KindAction, Action: a}, 0)
}

// leaves waits until the probe has seen the end of a gateway under an init of its own, which
// goes on without it, and so does its container. Of any other gateway the runtime knows.
func (g *Gateway) leaves(ctx context.Context) error {
	for g.o.Target.Init != nil && g.Alive() {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// lookEvery is how often is looked for what the probe tells.
const lookEvery = 2 * time.Millisecond

// Freeze stops the gateway in its tracks; Thaw lets it go on.
func (g *Gateway) Freeze(ctx context.Context) error {
	return g.act(ctx, history.ActionFreeze, g.pod.Freeze)
}

// Thaw ends a Freeze.
func (g *Gateway) Thaw(ctx context.Context) error { return g.act(ctx, history.ActionThaw, g.pod.Thaw) }

// Recreate ends the instantiation, keeps the home, and starts the gateway anew. The
// epoch of the new instantiation is not known before BeginByCommand or LearnEpoch.
func (g *Gateway) Recreate(ctx context.Context) error {
	if err := g.recreate(ctx); err != nil {
		return err
	}
	return g.Start(ctx)
}

func (g *Gateway) recreate(ctx context.Context) error {
	before, err := g.Stamp(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := settled(ctx)
	defer cancel()
	e := history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionRecreate}, Call: before}
	g.onItsWay(&e)
	defer g.onItsWay(nil)
	g.epoch = ""
	if err = g.pod.Recreate(ctx); err == nil {
		err = g.connect(ctx)
	}
	if err == nil {
		err = g.note(ctx, e, before)
	}
	if err != nil {
		// What was there may be gone all the same, and with it the probe that saw it go.
		e.Return = max(before, g.lastStamp())
		g.record(e)
		return fmt.Errorf("recreate: %w", err)
	}
	return nil
}

// Published returns the newest reading of every publication.
func (g *Gateway) Published() Published {
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	out := make(Published, 0, len(g.live.published))
	for _, p := range g.o.Target.Publications {
		if r, ok := g.live.published[p.Name]; ok {
			out = append(out, r)
		}
	}
	return out
}

// Alive says whether the gateway's process is there.
func (g *Gateway) Alive() bool {
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	return g.live.process != nil && !g.live.gone
}

// UnderWay is how many turns were sent whose end no client has seen yet.
func (g *Gateway) UnderWay() int { return g.live.underWay() }

// Broadcasts is how often the gateway has announced its shutdown so far, over all
// its lives.
func (g *Gateway) Broadcasts() int {
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	return g.live.told
}

// B is the target's observation bound.
func (g *Gateway) B() time.Duration { return g.o.Target.Bounds.Observe }

// Grace is how long a spec waits before it gives up. Only the monitors of WATCH
// and GATE-005/011 hold anything against B itself; the others allow
// [monitor.Grace] times B, and a spec must wait a little longer than that, or
// nobody sees that the time was over.
func (g *Gateway) Grace() time.Duration { return (monitor.Grace + 1) * g.B() }

// Target is what the vendor declared.
func (g *Gateway) Target() *target.Target { return g.o.Target }

// Judge runs the monitors of one requirement over what happened so far: how a
// spec learns that a measurement was drowned in noise and must be taken again.
func (g *Gateway) Judge(requirement string) (monitor.Judgement, error) {
	g.live.mu.Lock()
	events := append([]history.Event(nil), g.live.events...)
	g.live.mu.Unlock()
	v, err := monitor.NewView(events)
	if err != nil {
		return monitor.Judgement{}, err
	}
	for _, m := range monitor.All() {
		if m.Requirement == requirement {
			return m.Judge(v), nil
		}
	}
	return monitor.Judgement{}, fmt.Errorf("no monitor speaks for %s", requirement)
}

// Logs returns the gateway's last n lines.
func (g *Gateway) Logs(ctx context.Context, n int) []string {
	lines, err := g.pod.Logs(ctx, n)
	if err != nil {
		return []string{"(its log could not be read: " + err.Error() + ")"}
	}
	// It goes into reports, and a gateway may say aloud what it was given.
	secrets := redact.New(secretsOf(g.pod.Resolved()))
	for i := range lines {
		lines[i] = secrets.Text(lines[i])
	}
	return lines
}

// End closes the history with the spec's result and removes the pod. It returns
// the events for judging. The second call does nothing.
func (g *Gateway) End(ctx context.Context, o history.Outcome) ([]history.Event, error) {
	if g.ended {
		return nil, nil
	}
	g.over(ctx)
	g.follow()
	closed := g.pod.Close(ctx)
	at := g.lastStamp()
	g.lateReceipts(ctx, at)
	g.record(history.Event{Kind: history.KindOutcome, Call: at, Return: at, Outcome: &o})
	g.seqMu.Lock()
	g.ended = true
	g.seqMu.Unlock()
	if g.writer != nil {
		if _, _, err := g.writer.Close(); err != nil && g.broken == nil {
			g.broken = err
		}
	}
	if g.broken != nil {
		return g.live.events, fmt.Errorf("the history could not be written: %w", g.broken)
	}
	if closed != nil {
		return g.live.events, fmt.Errorf("the pod could not be removed: %w", closed)
	}
	return g.live.events, nil
}

func (g *Gateway) lastStamp() history.Stamp {
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	var last history.Stamp
	for _, e := range g.live.events {
		last = max(last, e.Return)
	}
	return last
}
