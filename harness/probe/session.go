package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"sync"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// session is all that runs for one configuration.
type session struct {
	log    *slog.Logger
	rec    sink
	tape   *tape // what rec is
	config wire.ConfigureParams
	ctx    context.Context // ends with the session
	cancel context.CancelFunc

	mu     sync.Mutex // guards closed against spawn
	closed bool
	wg     sync.WaitGroup

	focus        *focus
	armed        *armory
	marker       *marker
	publications []*publication
	ingresses    map[string]*ingress
	connections  *connections
	turns        *turns
	loads        loads
	model        *model
	notices      *notices   // nil where nobody is to be told anything
	callbacks    *callbacks // nil where no reply comes as a request
	driver       *driver    // nil where every turn goes by HTTP
	processes    *processes
	asking       *http.Client // for requests that are no turns
}

// sink takes events into the history.
type sink interface{ record(history.Event) }

// tape is a session's sink. What the end of a session brings about (connections
// that break, calls that vanish) is the probe's doing and no part of the history.
type tape struct {
	rec *recorder
	ctx context.Context
}

func (t *tape) record(ev history.Event) {
	if t.ctx.Err() == nil {
		t.rec.record(ev)
	}
}

func newSession(log *slog.Logger, rec *recorder, config wire.ConfigureParams) (*session, error) {
	s := &session{
		log:         log,
		config:      config,
		focus:       newFocus(),
		connections: newConnections(),
		turns:       newTurns(),
		asking:      &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.tape = &tape{rec: rec, ctx: s.ctx}
	s.rec = s.tape
	s.armed = &armory{run: s.spawn}
	if err := s.start(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) start() error {
	c, scale := s.config, scaleFor(s.config.Bound)
	if err := prepareHome(c.Home, c.UID, c.GID); err != nil {
		return err
	}
	var err error
	if s.ingresses, err = newIngresses(c.Ingresses); err != nil {
		return err
	}
	s.processes = newProcesses(s.rec, c.IngressPorts, scale.starved, s.spawn)
	if c.Gateway != "" {
		if s.processes.like, err = regexp.Compile(c.Gateway); err != nil {
			return fmt.Errorf("the gateway's command line: %w", err)
		}
		if s.processes.abroad, err = newAbroad(s.log); err != nil {
			return err
		}
		s.spawn(s.processes.abroad.serve)
	}
	if s.marker, err = newMarker(c.Marker, s.rec, s.focus, s.processes.current); err != nil {
		return err
	}
	if c.DriverAddress != "" {
		if s.driver, err = newDriver(s.log, c.DriverAddress); err != nil {
			return err
		}
		s.spawn(s.driver.serve)
	}
	for _, p := range c.Publications {
		pub, err := newPublication(p, s.driver, s.rec, s.armed, scale.record)
		if err != nil {
			return err
		}
		s.publications = append(s.publications, pub)
	}
	if s.model, err = newModel(s.log, c.ModelAddress, s.turns, s.rec); err != nil {
		return err
	}

	if c.NotifyAddress != "" {
		if s.notices, err = newNotices(s.log, c.NotifyAddress, c.Broadcasts, s.rec); err != nil {
			return err
		}
		s.spawn(s.notices.serve)
	}
	if c.CallbackAddress != "" {
		if s.callbacks, err = newCallbacks(s.log, c.CallbackAddress, s.turns); err != nil {
			return err
		}
		s.spawn(s.callbacks.serve)
	}
	s.spawn(s.model.serve)
	s.spawn(s.model.watchCallers)
	s.spawn(func(ctx context.Context) { s.marker.watch(ctx, s.log) })
	s.spawn(s.processes.watchSockets)
	for _, p := range s.publications {
		s.spawn(func(ctx context.Context) { p.observe(ctx, s.log, s.focus) })
	}
	return nil
}

// spawn runs f until it returns; f must return soon after its context ends.
// After the session was closed it runs nothing.
func (s *session) spawn(f func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.wg.Go(func() { f(s.ctx) })
}

// close ends everything and waits for it.
func (s *session) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	if s.model != nil {
		s.model.close()
	}
	if s.notices != nil {
		s.notices.close()
	}
	if s.callbacks != nil {
		s.callbacks.close()
	}
	s.connections.close()
	s.wg.Wait()
	if s.processes != nil && s.processes.abroad != nil {
		s.processes.abroad.close()
	}
	s.asking.CloseIdleConnections()
	if s.marker != nil {
		s.marker.clear()
	}
}

// read reads one publication now.
func (s *session) read(name string) (history.State, error) {
	p, err := s.publication(name)
	if err != nil {
		return history.State{}, err
	}
	state := p.read(s.ctx, true)
	ev := history.Event{State: &state}
	s.tape.rec.redactEvent(&ev) // it is recorded, but also told to whoever asked
	return *ev.State, nil
}

func (s *session) publication(name string) (*publication, error) {
	for _, p := range s.publications {
		if p.spec.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no publication is called %q; configured are %v", name, s.publicationNames())
}

func (s *session) publicationNames() []string {
	var names []string
	for _, p := range s.publications {
		names = append(names, p.spec.Name)
	}
	return names
}

// checkWhen makes sure that an armed action can ever fire.
func (s *session) checkWhen(w *wire.When) error {
	if w == nil {
		return nil
	}
	if !canonical(w.State) {
		return fmt.Errorf("when: %q is no canonical state", w.State)
	}
	if w.Publication != "" {
		if _, err := s.publication(w.Publication); err != nil {
			return fmt.Errorf("when: %w", err)
		}
	}
	if len(s.publications) == 0 {
		return errors.New("when: no publication is configured, so no state will ever be read")
	}
	return nil
}

// markerRequest performs or arms one operation on the marker.
func (s *session) markerRequest(m wire.MarkerParams) error {
	if err := s.marker.check(m); err != nil {
		return err
	}
	for _, next := range m.Then {
		if err := s.marker.check(next); err != nil {
			return err
		}
		if m.When != nil || next.When != nil || len(next.Then) > 0 {
			return errors.New("marker: what follows at once can neither be armed nor be followed itself")
		}
	}
	if m.When == nil {
		_, err := s.marker.perform(m)
		for _, next := range m.Then {
			if err == nil {
				_, err = s.marker.perform(next)
			}
		}
		return err
	}
	if err := s.checkWhen(m.When); err != nil {
		return err
	}
	s.armed.arm(*m.When, func(context.Context) {
		if _, err := s.marker.perform(m); err != nil { // the history has it too
			s.log.Error("an armed marker operation failed", "op", m.Op, "error", err)
		}
	})
	return nil
}
