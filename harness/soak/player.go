package soak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// Player plays schedules against a gateway that runs.
type Player struct {
	gw      *pod.Gateway
	corpus  *corpus.Corpus // nil: there are no hostile markers
	turns   map[string]*pod.Submitted
	sent    map[string]Step // those that clients sent
	jobs    map[string]*pod.Background
	ending  bool // it was told to shut down
	loaded  bool
	dead    bool // the harness ended it
	cycles  int
	cycling time.Duration // spent in them
	heeds   heeding
}

// NewPlayer plays against a gateway.
func NewPlayer(gw *pod.Gateway, markers *corpus.Corpus) *Player {
	return &Player{gw: gw, corpus: markers, turns: map[string]*pod.Submitted{}, sent: map[string]Step{}, jobs: map[string]*pod.Background{}}
}

// Play does what the schedule says and then brings the gateway to rest, as far as it comes:
// everything is released, the marker removed, and the gateway started again where it has
// ended. What the gateway does wrong on the way is no error; it stands in its history.
// A step whose turn was left out, or for which the gateway is not in the right place, is
// passed over.
func (p *Player) Play(ctx context.Context, s Schedule) error {
	p.forget()
	for i, step := range s.Steps {
		if err := p.gw.Step(ctx, fmt.Sprintf("%d. %s", i+1, step)); err != nil {
			return err
		}
		if err := p.do(ctx, step); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, step, err)
		}
	}
	return p.rest(ctx)
}

// forget is for when there are no turns: none were sent yet, or the probe that knew of them
// is gone.
func (p *Player) forget() {
	clear(p.turns)
	clear(p.sent)
	clear(p.jobs)
}

// do is one step.
func (p *Player) do(ctx context.Context, s Step) error {
	if done, err := p.turn(ctx, s); done {
		return err
	}
	if done, err := p.marker(ctx, s); done {
		return err
	}
	switch s.Do {
	case Await:
		p.await(ctx, s)
		return ctx.Err()
	case Wait:
		return p.gw.Hold(ctx, s.lasting())
	case Cycle:
		return p.cycle(ctx, s.N)
	case Load:
		return p.load(ctx)
	case Unload:
		return p.unload(ctx)
	}
	return p.process(ctx, s)
}

// turn is a step that is about turns; done says whether it was one.
func (p *Player) turn(ctx context.Context, s Step) (done bool, err error) {
	known := p.turns[s.Turn]
	switch s.Do {
	case Submit:
		made, err := p.gw.Submit(ctx, pod.Turn{
			Ingress: p.ingress(s.Ingress), Session: s.Session, Purpose: s.Turn, Hold: s.Hold, ReplyBytes: s.Bytes, Stall: s.Stall, Fail: s.Fail, ToolCalls: s.Tools,
		})
		if err == nil {
			p.turns[s.Turn], p.sent[s.Turn] = made, s
		}
		return true, err
	case Crowd:
		return true, p.crowd(ctx, s)
	case Release:
		switch {
		case s.Turn == "":
			return true, p.gw.Release(ctx)
		case known != nil:
			return true, known.Release(ctx)
		}
	case Emit:
		if known != nil && known.View().InModel && p.streams(known.View().Ingress) && p.sent[s.Turn].Fail == 0 {
			within, cancel := context.WithTimeout(ctx, p.gw.B())
			defer cancel()
			// The gateway may hang up on its model meanwhile, which is in the history.
			_ = known.Emit(within, s.N)
		}
	case Resume:
		if p.sent[s.Turn].Stall {
			return true, known.Resume(ctx)
		}
	case Abort:
		if p.sent[s.Turn].Do == Submit {
			return true, known.Abort(ctx)
		}
	case Job:
		if !p.gw.Alive() || p.ending {
			return true, nil
		}
		made, err := p.gw.Schedule(ctx, pod.Job{In: s.lasting(), Hold: s.Hold, Purpose: s.Turn})
		if err == nil {
			p.turns[s.Turn] = made
		}
		return true, p.unlessGone(err)
	case Process:
		if !p.gw.Alive() || p.ending {
			return true, nil
		}
		made, err := p.gw.StartBackground(ctx, pod.Turn{Purpose: s.Turn, Hold: s.Hold})
		if err == nil {
			p.jobs[s.Turn], p.turns[s.Turn] = made, made.Completion
			p.until(ctx, func() bool { return made.Starter.View().Outcome != "" })
		}
		return true, p.unlessGone(err)
	case Complete:
		if b := p.jobs[s.Turn]; b != nil && b.Starter.View().Outcome == history.Finished && p.gw.Alive() && !p.ending {
			delete(p.jobs, s.Turn)
			_, err := b.Complete(ctx)
			return true, p.unlessGone(err)
		}
	default:
		return false, nil
	}
	return true, nil
}

// marker is a step of the controller's.
func (p *Player) marker(ctx context.Context, s Step) (done bool, err error) {
	switch s.Do {
	case Begin:
		p.heeds.begun()
		return true, p.gw.Rewrite(ctx, s.How)
	case Rewrite:
		p.heeds.begun()
		if s.MS != 0 {
			return true, p.gw.LayRequest(ctx, pod.Request{Epoch: p.gw.Epoch(), Age: s.lasting()})
		}
		return true, p.gw.Rewrite(ctx, s.How)
	case Hostile:
		if p.corpus == nil {
			return true, nil
		}
		if m, ok := p.corpus.Find(s.How); ok && !(m.NotAsRoot && p.gw.Root()) {
			p.heeds.begun()
			return true, p.gw.LayMarker(ctx, m)
		}
		return true, nil
	case Cancel:
		return true, p.cancel(func() error { return p.gw.CancelDrain(ctx) })
	case Hurry:
		ops, err := operations(s.How)
		if err != nil {
			return true, err
		}
		err = p.gw.Hurry(ctx, ops[0], ops[1:]...)
		p.heeds.hurried(ops[len(ops)-1], time.Now())
		return true, err
	case Control:
		if p.gw.Target().Control == nil || !p.gw.Alive() {
			return true, nil
		}
		ask := func() error { _, err := p.gw.Control(ctx, s.How); return err }
		if s.How == history.AskCancel {
			return true, p.cancel(ask)
		}
		p.heeds.begun()
		return true, ask()
	}
	return false, nil
}

// cancel has a drain taken back, and remembers whether it was seen before.
func (p *Player) cancel(take func() error) error {
	seen := p.gw.Shows(history.Draining)
	err := take()
	p.heeds.over(seen, time.Now())
	return err
}

// operations reads the operations of a hurry.
func operations(words string) ([]history.Op, error) {
	var ops []history.Op
	for _, word := range strings.Fields(words) {
		op := history.Op(word)
		if op != history.OpBegin && op != history.OpCancel {
			return nil, fmt.Errorf("a hurry is made of %q and %q, not of %q", history.OpBegin, history.OpCancel, word)
		}
		ops = append(ops, op)
	}
	if len(ops) < 2 {
		return nil, fmt.Errorf("a hurry has two operations or more, such as \"begin cancel\", not %q", words)
	}
	return ops, nil
}

// process is a step that is done to the gateway's process.
func (p *Player) process(ctx context.Context, s Step) error {
	switch s.Do {
	case SIGTERM:
		if p.gw.Alive() && !p.ending && p.gw.Target().Declares("shutdown") {
			p.ending = true
			return p.unlessGone(p.gw.SIGTERM(ctx))
		}
	case SIGKILL:
		if p.gw.Alive() {
			return p.kill(ctx)
		}
	case Respawn:
		return p.respawn(ctx)
	case Recreate:
		if p.gw.Target().Declares("epoch") && p.gw.Recreatable() {
			// The load and the turns went with the probe that made them.
			p.ending, p.dead, p.loaded = false, false, false
			p.forget()
			return p.gw.Recreate(ctx)
		}
	case Freeze:
		if !p.gw.Alive() || p.ending {
			return nil
		}
		if err := p.gw.Freeze(ctx); err != nil {
			return p.unlessGone(err)
		}
		held := p.gw.Hold(ctx, s.lasting())
		return errors.Join(held, p.unlessGone(p.gw.Thaw(ctx)))
	}
	return nil
}

// respawn starts the gateway again where it has ended; one that was told to shut down is
// waited for first, and one that lives on is left alone.
func (p *Player) respawn(ctx context.Context) error {
	if p.ending {
		if err := p.exit(ctx); err != nil {
			return err
		}
	}
	if p.gw.Alive() {
		return nil
	}
	if !p.dead {
		if _, err := p.gw.AwaitExit(ctx); err != nil { // it ended by itself
			return err
		}
	}
	p.dead = false
	if err := p.gw.Respawn(ctx); err != nil {
		return err
	}
	return p.gw.AwaitReady(ctx)
}

// exit waits for a gateway that was told to shut down, for as long as it has for that;
// then it is killed.
func (p *Player) exit(ctx context.Context) error {
	limit := p.gw.Grace()
	if s := p.gw.Target().Shutdown; s != nil {
		limit += s.Deadline
	}
	p.gw.Awaits(ctx, limit, func() bool { return !p.gw.Alive() })
	if p.gw.Alive() {
		return p.kill(ctx)
	}
	p.ending, p.dead = false, true
	_, err := p.gw.AwaitExit(ctx)
	return err
}

// kill ends the gateway at once; it may have ended by itself just before.
func (p *Player) kill(ctx context.Context) error {
	err := p.gw.SIGKILL(ctx)
	p.ending, p.dead = false, err == nil
	return p.unlessGone(err)
}

// unlessGone makes nothing of an error that came of the gateway's end, which is in the
// history.
func (p *Player) unlessGone(err error) error {
	if err != nil && !p.gw.Alive() {
		return nil
	}
	return err
}

// crowd has the model hold so many turns, on one ingress or on all in turn.
func (p *Player) crowd(ctx context.Context, s Step) error {
	turns := make([]*pod.Submitted, 0, s.N)
	all := p.gw.Target().Ingresses
	for i := range s.N {
		name := s.Ingress
		if name == "" {
			name = all[i%len(all)].Name
		}
		t, err := p.gw.Submit(ctx, pod.Turn{Ingress: p.ingress(name), Hold: true, Purpose: "one of a crowd"})
		if err != nil {
			return err
		}
		turns = append(turns, t)
	}
	p.until(ctx, func() bool {
		return !slices.ContainsFunc(turns, func(t *pod.Submitted) bool { return !decided(t) })
	})
	return ctx.Err()
}

// decided says whether a turn has reached the model or has ended.
func decided(t *pod.Submitted) bool {
	v := t.View()
	return v.InModel || v.ModelCalls > 0 || v.Outcome != ""
}

// cycle drains the gateway and takes it back, so many times, waiting for nothing but it.
func (p *Player) cycle(ctx context.Context, n int) error {
	for range n {
		if !p.gw.Alive() || p.ending {
			return nil
		}
		began := time.Now()
		if err := p.gw.BeginDrain(ctx); err != nil {
			return err
		}
		p.heeds.begun()
		drained := p.until(ctx, func() bool { return p.gw.Shows(history.Draining) })
		if err := p.cancel(func() error { return p.gw.CancelDrain(ctx) }); err != nil {
			return err
		}
		if !drained || !p.until(ctx, func() bool { return p.gw.Shows(history.Running) }) {
			return ctx.Err()
		}
		p.cycles++
		p.cycling += time.Since(began)
	}
	return nil
}

// newTurnEvery is how often a load sends another turn.
const newTurnEvery = 20 * time.Millisecond

func (p *Player) load(ctx context.Context) error {
	if p.loaded || !p.gw.Alive() || p.ending {
		return nil
	}
	p.loaded = true
	return p.gw.Load(ctx, pod.Load{
		Turn: pod.Turn{Ingress: p.ingress(""), Purpose: "under load"}, Every: newTurnEvery, InFlight: max(1, p.gw.Target().Capacity/10),
	})
}

func (p *Player) unload(ctx context.Context) error {
	if !p.loaded {
		return nil
	}
	p.loaded = false
	return p.gw.Unload(ctx)
}

// await waits for what a step names, for as long as a suite waits before it gives up.
func (p *Player) await(ctx context.Context, s Step) {
	t := p.turns[s.Turn]
	switch s.What {
	case ForDraining:
		p.until(ctx, func() bool { return p.gw.Shows(history.Draining) })
	case ForRunning:
		p.until(ctx, func() bool { return p.gw.Shows(history.Running) })
	case ForZero:
		p.until(ctx, func() bool { return p.count() == 0 })
	case ForHeld:
		p.until(ctx, func() bool { return t == nil || decided(t) })
	case ForEnded: // which one that the model holds does not do
		p.until(ctx, func() bool { return t == nil || t.View().Outcome != "" || t.View().InModel })
	case ForDelivering:
		p.until(ctx, func() bool { return t == nil || t.View().Arriving || t.View().Received > 0 || t.View().Outcome != "" })
	}
}

// letGo brings the gateway to rest, as far as it comes: everything is released, the marker
// removed, and the gateway started again where it has ended.
func (p *Player) letGo(ctx context.Context) error {
	gw := p.gw
	if err := gw.Step(ctx, "to rest: everything is let go, and the marker removed"); err != nil {
		return err
	}
	if err := p.unload(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.sent)) {
		if err := p.do(ctx, Step{Do: Resume, Turn: name}); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.jobs)) {
		if err := p.do(ctx, Step{Do: Complete, Turn: name}); err != nil {
			return err
		}
	}
	if err := gw.Release(ctx); err != nil {
		return err
	}
	if err := p.cancel(func() error { return gw.CancelDrain(ctx) }); err != nil {
		return err
	}
	if p.ending || !gw.Alive() {
		if err := p.respawn(ctx); err != nil {
			return err
		}
		if err := gw.Release(ctx); err != nil { // what it took up again
			return err
		}
	}
	if wait := p.heeds.open(gw.B(), time.Now()); wait > 0 {
		if err := gw.Hold(ctx, wait); err != nil {
			return err
		}
	}
	p.until(ctx, func() bool { return p.gw.Shows(history.Running) })
	p.gw.Awaits(ctx, gw.B()+p.late(), func() bool { return gw.AtRest() == "" })
	return ctx.Err()
}

// rest lets everything go, has the gateway serve, and waits until it is at rest.
func (p *Player) rest(ctx context.Context) error {
	gw := p.gw
	if err := p.letGo(ctx); err != nil {
		return err
	}
	if _, err := p.serves(ctx); err != nil {
		return err
	}
	if !p.until(ctx, func() bool { return gw.AtRest() == "" }) && ctx.Err() == nil {
		return gw.Step(ctx, "it does not come to rest: "+gw.AtRest())
	}
	return ctx.Err()
}

// everyWay sends a turn by every way in.
func (p *Player) everyWay(ctx context.Context) ([]*pod.Submitted, error) {
	var turns []*pod.Submitted
	for _, in := range p.gw.Target().Ingresses {
		t, err := p.gw.Submit(ctx, pod.Turn{Ingress: in.Name, Purpose: "afterwards"})
		if err != nil {
			return turns, err
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// serves sends a turn by every way in, and waits for their ends: after all that, they must be
// served.
func (p *Player) serves(ctx context.Context) ([]*pod.Submitted, error) {
	turns, err := p.everyWay(ctx)
	if err != nil {
		return turns, err
	}
	p.until(ctx, func() bool {
		return !slices.ContainsFunc(turns, func(t *pod.Submitted) bool { return t.View().Outcome == "" })
	})
	return turns, ctx.Err()
}

// late is how much later than it was due a job may start.
func (p *Player) late() time.Duration {
	if j := p.gw.Target().Jobs; j != nil && len(p.turns) > 0 {
		return j.Late
	}
	return 0
}

// until waits for as long as a suite waits before it gives up, and no longer than the
// gateway lives; it says whether it came to that.
func (p *Player) until(ctx context.Context, ok func() bool) bool {
	return p.gw.Awaits(ctx, p.gw.Grace(), ok)
}

// count is the highest that is published; -1 where nothing is.
func (p *Player) count() int {
	n := -1
	for _, r := range p.gw.Published() {
		if r.Problem == "" {
			n = max(n, r.Count)
		}
	}
	return n
}

// ingress is the ingress of that name, or the first one, for schedules that were made for
// another target.
func (p *Player) ingress(name string) string {
	all := p.gw.Target().Ingresses
	for _, in := range all {
		if in.Name == name {
			return name
		}
	}
	return all[0].Name
}

func (p *Player) streams(name string) bool {
	for _, in := range p.gw.Target().Ingresses {
		if in.Name == name {
			return in.Stream
		}
	}
	return false
}
