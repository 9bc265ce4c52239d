package gateway

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/background"
	"github.com/drainproof/drainproof/reference/detached"
	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/epoch"
	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/notify"
	"github.com/drainproof/drainproof/reference/schedule"
	"github.com/drainproof/drainproof/reference/status"
	"github.com/drainproof/drainproof/reference/tool"
	"github.com/drainproof/drainproof/reference/turn"
	"github.com/drainproof/drainproof/reference/watch"
)

// Parts is a gateway taken apart, in the order in which it is put together: each
// part is made from those above it.
type Parts struct {
	Log        *slog.Logger
	Self       home.Holder         // the process that runs the gateway
	Ledger     *admission.Ledger   // state, gate and slots, under one lock
	Store      status.Store        // where publications go
	Publisher  admission.Publisher // publishes the ledger to the store
	Model      model.Model         // does the work
	Sessions   *turn.Sessions      // remembers it
	Journal    turn.Journal        // remembers what is owed, through any end of the process
	Turns      *turn.Runner        // runs turns, and can interrupt them
	Admitter   admission.Admitter  // lets turns start
	Detached   *detached.Runner    // runs the turns no client waits for
	Background *background.Jobs    // work that outlasts the turn that started it
	Jobs       *schedule.Jobs      // turns that are started by the clock
	Epoch      epoch.Source        // the instantiation it lives in
	Now        func() time.Time    // by which a marker's age is judged
	Marker     drain.Source        // the marker as it lies there, fresh or stale
	Source     drain.Source        // the marker, where a stale one counts as none
	Target     watch.Target        // does what the marker says
	Watcher    watch.Reconciler    // keeps the target in step with the source
	Notifier   notify.Notifier     // is told of a shutdown
}

// Wrap puts something around parts as they are made. Every function may be nil;
// each gets the parts made so far and the part it wraps, and returns what is used
// in its place.
type Wrap struct {
	Store     func(*Parts, status.Store) status.Store
	Publisher func(*Parts, admission.Publisher) admission.Publisher
	Model     func(*Parts, model.Model) model.Model
	Journal   func(*Parts, turn.Journal) turn.Journal
	Admitter  func(*Parts, admission.Admitter) admission.Admitter
	Epoch     func(*Parts, epoch.Source) epoch.Source
	Now       func(*Parts, func() time.Time) func() time.Time
	Source    func(*Parts, drain.Source) drain.Source
	Target    func(*Parts, watch.Target) watch.Target
	Watcher   func(*Parts, watch.Reconciler) watch.Reconciler
	Notifier  func(*Parts, notify.Notifier) notify.Notifier
	Handler   func(*Parts, http.Handler) http.Handler // the whole ingress
}

// publishing makes the parts that publish, which are needed before all others.
func (g *Gateway) publishing(self home.Holder) *Parts {
	p := &Parts{Log: g.config.Log, Self: self, Ledger: admission.NewLedger()}
	p.Store = status.File{Dir: g.config.Home}
	for _, wrap := range g.wraps {
		if wrap.Store != nil {
			p.Store = wrap.Store(p, p.Store)
		}
	}
	p.Publisher = status.NewPublisher(p.Ledger, p.Store, self, p.Log)
	for _, wrap := range g.wraps {
		if wrap.Publisher != nil {
			p.Publisher = wrap.Publisher(p, p.Publisher)
		}
	}
	return p
}

// working makes the parts that run turns.
func (g *Gateway) working(p *Parts) error {
	var err error
	if p.Model, err = model.New(g.config.Model); err != nil {
		return err
	}
	for _, wrap := range g.wraps {
		if wrap.Model != nil {
			p.Model = wrap.Model(p, p.Model)
		}
	}
	if p.Sessions, err = turn.OpenSessions(filepath.Join(g.config.Home, turn.FileName)); err != nil {
		return err
	}
	p.Journal = p.Sessions.Journal()
	for _, wrap := range g.wraps {
		if wrap.Journal != nil {
			p.Journal = wrap.Journal(p, p.Journal)
		}
	}
	p.Turns = turn.NewRunner(p.Model, p.Sessions, p.Journal)
	p.Admitter = &admission.Desk{Ledger: p.Ledger, Publisher: p.Publisher}
	for _, wrap := range g.wraps {
		if wrap.Admitter != nil {
			p.Admitter = wrap.Admitter(p, p.Admitter)
		}
	}
	p.Detached = detached.New(detached.Parts{Admitter: p.Admitter, Turns: p.Turns, Journal: p.Journal, Ledger: p.Ledger, Log: p.Log})
	if err := p.Detached.Load(); err != nil {
		return err
	}
	if p.Background, err = background.Open(p.Sessions, p.Detached, p.Log); err != nil {
		return err
	}
	if p.Jobs, err = schedule.Open(p.Sessions, p.Detached, p.Log); err != nil {
		return err
	}
	p.Turns.Tools = tool.New(g.config.Tools, p.Background)
	return nil
}

// watching makes the parts that follow the marker.
func (g *Gateway) watching(p *Parts) {
	p.Epoch, p.Now, p.Marker = epoch.Instantiation{}, time.Now, drain.Home{Dir: g.config.Home}
	for _, wrap := range g.wraps {
		if wrap.Epoch != nil {
			p.Epoch = wrap.Epoch(p, p.Epoch)
		}
		if wrap.Now != nil {
			p.Now = wrap.Now(p, p.Now)
		}
	}
	p.Source = drain.Fresh{Source: p.Marker, Epoch: p.Epoch, Now: p.Now, MaxAge: g.config.DrainMaxAge}
	for _, wrap := range g.wraps {
		if wrap.Source != nil {
			p.Source = wrap.Source(p, p.Source)
		}
	}
	p.Source = &serial{source: p.Source}
	p.Target = &Follower{Ledger: p.Ledger, Publisher: p.Publisher, Log: p.Log}
	for _, wrap := range g.wraps {
		if wrap.Target != nil {
			p.Target = wrap.Target(p, p.Target)
		}
	}
	p.Watcher = watch.New(g.config.Home, p.Source, p.Target, p.Log)
	for _, wrap := range g.wraps {
		if wrap.Watcher != nil {
			p.Watcher = wrap.Watcher(p, p.Watcher)
		}
	}
}

// around is what is put around the ingress.
func (g *Gateway) around(p *Parts) []func(http.Handler) http.Handler {
	var all []func(http.Handler) http.Handler
	for _, wrap := range g.wraps {
		if wrap.Handler != nil {
			all = append(all, func(right http.Handler) http.Handler { return wrap.Handler(p, right) })
		}
	}
	return all
}

// telling makes the part that is told of a shutdown.
func (g *Gateway) telling(p *Parts) error {
	var err error
	if p.Notifier, err = notify.New(g.config.Notify); err != nil {
		return err
	}
	for _, wrap := range g.wraps {
		if wrap.Notifier != nil {
			p.Notifier = wrap.Notifier(p, p.Notifier)
		}
	}
	return nil
}
