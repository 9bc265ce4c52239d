package probe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// maxEarly is how many requests to the callback of a turn may wait for its client.
const maxEarly = 16

// maxLive bounds the turns whose client still waits.
const maxLive = 5000

// turn is one turn, on both of its sides: the client that sent it and the model
// that answers it. It stays known after its end, because a wrong gateway may call
// the model long after it has answered the client.
type turn struct {
	id      string
	params  wire.SubmitParams
	ingress *ingress
	session string
	origin  string // who starts it, when no client does

	latch   chan struct{} // closed by release
	resumed chan struct{} // closed by resume
	ctx     context.Context
	cancel  context.CancelFunc // makes the client hang up
	begun   atomic.Bool        // set by whoever brings the turn to its end
	half    chan struct{}      // closed when the first half of the request was handed over, where it is sent in halves
	moment  chan struct{}      // closed when the other one is due
	sent    chan struct{}      // closed when the request was handed over, or never will be
	over    chan struct{}      // closed when the client's side has ended and is recorded
	// delivered takes what arrives at the callback of its ingress, and listening is closed
	// when its client looks there: once the request that brought the turn was answered.
	delivered chan delivery
	listening chan struct{}
	arriving  chan struct{} // a reply begins to arrive there, unread
	awake     chan struct{} // closed when a stalled client has recorded that it reads again
	clock     *stopwatch    // until the client gives up

	mu         sync.Mutex
	releasedAt history.Stamp // when the latch was opened
	abortedAt  history.Stamp // when the client was told to hang up; 0 when it was not
	calls      int           // of the model, so far
	open       map[*modelCall]struct{}
}

func newTurn(ctx context.Context, p wire.SubmitParams, in *ingress) *turn {
	t := &turn{
		id: newToken(), params: p, ingress: in, session: p.Session,
		latch: make(chan struct{}), resumed: make(chan struct{}),
		half: make(chan struct{}), moment: make(chan struct{}),
		sent: make(chan struct{}), over: make(chan struct{}), awake: make(chan struct{}),
		delivered: make(chan delivery, maxEarly), listening: make(chan struct{}), arriving: make(chan struct{}, 1),
		clock: newStopwatch(p.GiveUp),
		open:  map[*modelCall]struct{}{},
	}
	t.ctx, t.cancel = context.WithCancel(ctx)
	if t.session == "" {
		t.session = "s-" + t.id
	}
	if !p.Script.Hold {
		t.unlatch()
	}
	return t
}

// prompt is the user's text, by which the turn is known wherever it goes.
func (t *turn) prompt() string { return t.id + " please answer" }

// want is the whole reply of the model.
func (t *turn) want() string {
	return ReplyText(t.id, t.replyBytes())
}

func (t *turn) replyBytes() int {
	n := t.params.Script.ReplyBytes
	if n == 0 {
		n = defaultReplyBytes
	}
	return max(n, len(t.id))
}

// unlatch opens the latch, once, and returns the model calls that waited for it.
func (t *turn) unlatch() []*modelCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.latch:
		return nil
	default:
	}
	t.releasedAt = now()
	close(t.latch)
	return slices.Collect(maps.Keys(t.open))
}

// held says whether the model holds the turn right now.
func (t *turn) held() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.latch:
		return false
	default:
		return len(t.open) > 0
	}
}

// called says whether the model was called for it.
func (t *turn) called() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls > 0
}

func (t *turn) live() bool {
	select {
	case <-t.over:
		return false
	default:
		return true
	}
}

// turns are all turns of a session, by token.
type turns struct {
	mu   sync.Mutex
	all  map[string]*turn
	live int
}

func newTurns() *turns { return &turns{all: map[string]*turn{}} }

func (ts *turns) add(t *turn) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.live >= maxLive {
		return fmt.Errorf("%d turns are under way already, which is the probe's limit; release or abort some first", ts.live)
	}
	ts.live++
	ts.all[t.id] = t
	return nil
}

// expect adds a turn that no client waits for.
func (ts *turns) expect(t *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.all[t.id] = t
}

func (ts *turns) ended() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.live--
}

// get returns nil for a token that is none of ours.
func (ts *turns) get(id string) *turn {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.all[id]
}

// pick returns the turns named, or all of them.
func (ts *turns) pick(ids []string) ([]*turn, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ids) == 0 {
		return slices.Collect(maps.Values(ts.all)), nil
	}
	picked := make([]*turn, 0, len(ids))
	for _, id := range ids {
		t := ts.all[id]
		if t == nil {
			return nil, fmt.Errorf("no turn is called %q", id)
		}
		picked = append(picked, t)
	}
	return picked, nil
}

// release opens the latch of turns, once for all their calls, and returns when
// that is recorded.
func (s *session) release(ctx context.Context, ids []string) error {
	ts, err := s.turns.pick(ids)
	if err != nil {
		return err
	}
	var waiting []*modelCall
	for _, t := range ts {
		waiting = append(waiting, t.unlatch()...)
	}
	for _, c := range waiting {
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// resume makes stalled clients read again, and returns when that is recorded.
func (s *session) resume(ctx context.Context, ids []string) error {
	ts, err := s.turns.pick(ids)
	if err != nil {
		return err
	}
	for _, t := range ts {
		if !t.params.Stall {
			if len(ids) > 0 {
				return fmt.Errorf("turn %s does not stall; submit it with stall", t.id)
			}
			continue
		}
		t.mu.Lock()
		closeOnce(t.resumed)
		t.mu.Unlock()
	}
	for _, t := range ts {
		if !t.params.Stall || !t.wasSent() {
			continue // it will not stall at all
		}
		select {
		case <-t.awake:
		case <-t.over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (t *turn) wasSent() bool {
	select {
	case <-t.sent:
		return true
	default:
		return false
	}
}

// abort makes clients hang up, and returns when that is recorded. A turn that
// still waits for its moment is aborted before it was sent.
func (s *session) abort(ctx context.Context, ids []string) error {
	ts, err := s.turns.pick(ids)
	if err != nil {
		return err
	}
	for _, t := range ts {
		if !t.live() {
			continue
		}
		t.mu.Lock()
		if t.abortedAt == 0 {
			t.abortedAt = now()
		}
		t.mu.Unlock()
		t.cancel()
		if t.begun.CompareAndSwap(false, true) {
			s.spawn(func(context.Context) { newClient(s, t).abandon() })
		}
	}
	for _, t := range ts {
		select {
		case <-t.over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// hungUp says since when the client was to hang up, and whether it was.
func (t *turn) hungUp() (history.Stamp, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.abortedAt, t.abortedAt != 0
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
