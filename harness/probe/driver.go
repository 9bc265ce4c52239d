package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// How long a driver is waited for: to come, and to answer what it must answer at once.
const (
	driverComes   = 15 * time.Second
	driverAnswers = 10 * time.Second
)

// driverReads is how long it may take to say what is published. A reading that takes
// longer than a bound proves nothing against a gateway that is late, so one that does is
// none.
const driverReads = httpReadTimeout

// driverAgain is how long after a try to reach the gateway the next one is made.
const driverAgain = 10 * time.Millisecond

// maxDriverLine bounds a line, which holds a whole reply at the most.
const maxDriverLine = 2 * maxBody

// maxDriverEvents is how many events of one request may wait to be read.
const maxDriverEvents = 64 << 10

// errNoDriver is the cause of everything that a driver's failure brings about. It is the
// harness that failed, never the gateway.
var errNoDriver = errors.New("the driver cannot be used")

// driver is the program by which turns are sent where no HTTP goes. It connects to the
// probe. One that breaks the protocol, or goes away, is not used again: what it had under
// way is of unknown outcome.
type driver struct {
	log      *slog.Logger
	listener net.Listener
	come     chan struct{} // closed when it said hello, or never will

	mu      sync.Mutex
	conn    net.Conn
	broken  error // why it is of no use (any more)
	next    uint64
	waiting map[uint64]*inbox
}

// inbox holds the events of a request until they are read.
type inbox struct {
	ready chan struct{} // one may be taken, or none will come any more

	mu     sync.Mutex
	events []wire.DriverEvent
	closed bool
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

// put adds an event, and says whether there was room for it.
func (i *inbox) put(ev wire.DriverEvent) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.events) >= maxDriverEvents {
		return false
	}
	i.events = append(i.events, ev)
	i.signal()
	return true
}

// take returns the next event after ready; false: there will be none.
func (i *inbox) take() (wire.DriverEvent, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.events) == 0 {
		return wire.DriverEvent{}, false
	}
	ev := i.events[0]
	i.events = i.events[1:]
	if len(i.events) > 0 || i.closed {
		i.signal()
	}
	return ev, true
}

// close says that no more will come.
func (i *inbox) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	i.signal()
}

func (i *inbox) signal() {
	select {
	case i.ready <- struct{}{}:
	default:
	}
}

func newDriver(log *slog.Logger, address string) (*driver, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("nobody can listen for the driver on %s: %w", address, err)
	}
	return &driver{log: log, listener: l, come: make(chan struct{}), waiting: map[uint64]*inbox{}}, nil
}

// serve takes the one driver, and reads what it says until it ends.
func (d *driver) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, d.close)
	defer stop()
	conn, err := d.listener.Accept()
	if err != nil {
		return // the session is over
	}
	_ = d.listener.Close() // there is one
	err = d.converse(conn)
	_ = conn.Close()
	if ctx.Err() == nil {
		d.fail(err)
	}
}

// fail ends everything that waits for the driver.
func (d *driver) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose(err)
}

// lose needs d.mu.
func (d *driver) lose(err error) {
	if d.broken != nil {
		return
	}
	d.broken = fmt.Errorf("%w: %w", errNoDriver, err)
	d.log.Error("the driver is lost", "error", err)
	for id, events := range d.waiting {
		events.close()
		delete(d.waiting, id)
	}
	if d.conn != nil {
		_ = d.conn.Close() // it may as well know
	}
	closeOnce(d.come)
}

func (d *driver) converse(conn net.Conn) error {
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, 0, 64<<10), maxDriverLine)
	_ = conn.SetReadDeadline(time.Now().Add(driverAnswers))
	if !lines.Scan() {
		return fmt.Errorf("it connected and said nothing: %w", ended(lines))
	}
	var hello wire.DriverHello
	if err := json.Unmarshal(lines.Bytes(), &hello); err != nil || hello.Version == 0 {
		return fmt.Errorf(`its first line must be {"drainproof_driver": %d, "name": "..."}, it is %s`, wire.DriverVersion, excerpt(lines.Bytes()))
	}
	if hello.Version != wire.DriverVersion {
		return fmt.Errorf("it speaks version %d of the protocol, this suite speaks %d", hello.Version, wire.DriverVersion)
	}
	_ = conn.SetReadDeadline(time.Time{})
	d.mu.Lock()
	d.conn = conn
	d.mu.Unlock()
	closeOnce(d.come)
	for lines.Scan() {
		var ev wire.DriverEvent
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			return fmt.Errorf("a line of it is no JSON object: %s", excerpt(lines.Bytes()))
		}
		if err := d.give(ev); err != nil {
			return err
		}
	}
	return fmt.Errorf("it went away: %w", ended(lines))
}

func ended(lines *bufio.Scanner) error {
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// give hands an event to whoever waits for it. Nobody waits for one of a turn that was
// aborted, or is over.
func (d *driver) give(ev wire.DriverEvent) error {
	d.mu.Lock()
	events, known := d.waiting[ev.ID], ev.ID <= d.next && ev.ID > 0
	d.mu.Unlock()
	if !known {
		return fmt.Errorf("it speaks of a request %d that was never made", ev.ID)
	}
	if events != nil && !events.put(ev) {
		return fmt.Errorf("more than %d events of request %d wait to be read", maxDriverEvents, ev.ID)
	}
	return nil
}

// ask writes a request and returns its ID and where its events come.
func (d *driver) ask(ctx context.Context, r wire.DriverRequest) (uint64, *inbox, error) {
	timer := time.NewTimer(driverComes)
	defer timer.Stop()
	select {
	case <-d.come:
	case <-ctx.Done():
		return 0, nil, context.Cause(ctx)
	case <-timer.C:
		return 0, nil, fmt.Errorf("%w: it did not connect to %s within %s; a sidecar must start it, with {{driver_address}}", errNoDriver, d.listener.Addr(), driverComes)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return 0, nil, d.broken
	}
	d.next++
	r.ID = d.next
	events := newInbox()
	d.waiting[r.ID] = events
	if d.write(r); d.broken != nil {
		return 0, nil, d.broken
	}
	return r.ID, events, nil
}

// write needs d.mu. After a line that was not taken whole no other can be understood.
func (d *driver) write(r wire.DriverRequest) {
	raw, err := json.Marshal(r)
	if err == nil {
		_ = d.conn.SetWriteDeadline(time.Now().Add(driverAnswers))
		_, err = d.conn.Write(append(raw, '\n'))
	}
	if err != nil {
		d.lose(fmt.Errorf("it does not take a request: %w", err))
	}
}

// forget lets go of a request.
func (d *driver) forget(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, id)
}

// abort tells that a turn's client goes away.
func (d *driver) abort(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken == nil {
		d.write(wire.DriverRequest{ID: id, Do: wire.DriverAbort})
	}
}

// question asks for one event.
func (d *driver) question(ctx context.Context, r wire.DriverRequest, within time.Duration) (wire.DriverEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	id, events, err := d.ask(ctx, r)
	if err != nil {
		return wire.DriverEvent{}, err
	}
	defer d.forget(id)
	select {
	case <-events.ready:
		ev, ok := events.take()
		if !ok {
			return ev, d.lost()
		}
		return ev, nil
	case <-ctx.Done():
		return wire.DriverEvent{}, fmt.Errorf("%w: it did not answer %q within %s", errNoDriver, r.Do, within)
	}
}

func (d *driver) lost() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.broken
}

func (d *driver) close() {
	_ = d.listener.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		_ = d.conn.Close()
	}
}

// here says whether it has said hello, or is known to be of no use.
func (d *driver) here() bool {
	select {
	case <-d.come:
		return true
	default:
		return false
	}
}

// ready asks once whether the gateway takes turns.
func (d *driver) ready(ctx context.Context) (bool, string) {
	ev, err := d.question(ctx, wire.DriverRequest{Do: wire.DriverReady}, driverAnswers)
	switch {
	case err != nil && !d.here():
		return false, fmt.Sprintf("the driver: it did not connect to %s; a sidecar must start it, with {{driver_address}}", d.listener.Addr())
	case err != nil:
		return false, err.Error()
	case ev.Event == wire.DriverIsReady:
		return true, "the driver says so"
	}
	return false, fmt.Sprintf("the driver says %q: %s", ev.Event, ev.Detail)
}

// publisher reads a publication through the driver.
func (d *driver) publisher(spec *wire.Publication) func(context.Context) reading {
	return func(ctx context.Context) reading {
		r := reading{call: now()}
		if !d.here() {
			r.ret = now()
			r.state = history.State{Publication: spec.Name, Problem: history.ProblemUnreachable, Error: "the driver has not come yet"}
			return r
		}
		ev, err := d.question(ctx, wire.DriverRequest{Do: wire.DriverState, Publication: spec.Name}, driverReads)
		r.ret = now()
		switch {
		case err != nil:
			r.state = history.State{Publication: spec.Name, Problem: history.ProblemUnreachable, Error: err.Error()}
		case ev.Event != wire.DriverPublished:
			r.state = history.State{Publication: spec.Name, Problem: history.ProblemUnreachable, Error: fmt.Sprintf("the driver says %q: %s", ev.Event, ev.Detail)}
		default:
			r.state = parsePublished(spec, ev.Published)
		}
		return r
	}
}

// drive sends a turn through the driver and follows it to its end.
func (c *client) drive() {
	t, d := c.t, c.s.driver
	until := time.Now().Add(t.params.RetryFor)
	for {
		call := now()
		id, events, err := d.ask(t.ctx, wire.DriverRequest{Do: wire.DriverSubmit, Ingress: t.ingress.Name, Session: t.session, Prompt: t.prompt()})
		if err != nil {
			c.undriven(call, err)
			return
		}
		again := c.driven(id, call, events, time.Now().Before(until))
		d.forget(id)
		if !again || !pause(t.ctx, driverAgain) {
			if again {
				c.abandon()
			}
			return
		}
	}
}

// undriven ends a turn that the driver did not take.
func (c *client) undriven(call history.Stamp, err error) {
	if _, aborted := c.t.hungUp(); aborted {
		c.abandon()
		return
	}
	c.end(call, now(), history.Turn{Outcome: history.Unsent, Detail: err.Error()})
}

// driven follows a turn, and says whether it must be sent again: the gateway could not be
// reached, and there is time left.
func (c *client) driven(id uint64, call history.Stamp, events *inbox, again bool) bool {
	t := c.t
	sent, since := false, call
	var reply []byte
	handedOver := func() {
		if sent {
			return
		}
		sent = true
		c.record(history.TurnSent, call, now(), history.Turn{ReplyBytes: t.replyBytes(), Durable: t.ingress.Durable})
		closeOnce(t.sent)
		t.clock.start(func() {
			c.hung.Store(true)
			t.cancel()
		})
	}
	defer t.clock.stop()
	finish := func(ret history.Stamp, outcome history.TurnOutcome, detail string) bool {
		handedOver()
		t.clock.stop()
		c.end(since, max(since, ret), history.Turn{Outcome: outcome, Detail: detail, Bytes: len(reply)})
		return false
	}
	// orphan lets go of a turn whose driver is lost. To the gateway its client went away: what
	// it makes of that is its right.
	orphan := func(ret history.Stamp) bool {
		if sent {
			c.record(history.TurnAborted, since, ret, history.Turn{})
		}
		c.vanish()
		return false
	}
	for {
		select {
		case <-events.ready:
			ev, ok := events.take()
			ret := now()
			if !ok {
				return orphan(ret)
			}
			switch ev.Event {
			case wire.DriverUnreachable:
				if !sent && t.called() {
					c.s.driver.fail(fmt.Errorf("it says that turn %s was not handed over, and the model was called for it", t.id))
					c.vanish()
					return false
				}
				if !sent && again {
					return true
				}
				if !sent {
					c.undriven(call, errors.New("the driver does not reach the gateway: "+ev.Detail))
					return false
				}
				return finish(ret, history.Cut, ev.Detail)
			case wire.DriverSent:
				handedOver()
			case wire.DriverAccepted:
				handedOver()
				c.record(history.TurnAnswered, since, ret, history.Turn{})
			case wire.DriverQueued:
				handedOver()
				t.clock.halt()
				c.record(history.TurnQueued, since, ret, history.Turn{})
			case wire.DriverText:
				handedOver()
				reply = append(reply, ev.Text...)
				c.progress.at(len(reply), since, ret)
			case wire.DriverDone:
				handedOver()
				reply = append(reply, ev.Text...)
				// All that is certain of when it was handed over is that the model had let go of it.
				t.mu.Lock()
				since = max(since, t.releasedAt)
				t.mu.Unlock()
				if a := (&answer{reply: reply}); string(reply) != t.want() {
					outcome, detail := a.notWhole(t.want())
					return finish(ret, outcome, detail)
				}
				return finish(ret, history.Finished, "")
			case wire.DriverRefused:
				return finish(ret, history.Refused, ev.Detail)
			case wire.DriverBusy:
				return finish(ret, history.Busy, ev.Detail)
			case wire.DriverFailed:
				return finish(ret, history.Failed, ev.Detail)
			case wire.DriverCut:
				return finish(ret, history.Cut, ev.Detail)
			default:
				c.s.driver.fail(fmt.Errorf("it says %q of a turn, which nobody understands", ev.Event))
				return orphan(ret)
			}
			since = ret
		case <-t.ctx.Done():
			c.s.driver.abort(id)
			at, aborted := t.hungUp()
			ret := now()
			switch {
			case aborted:
				handedOver()
				c.record(history.TurnAborted, at, ret, history.Turn{})
				since = at
				return finish(ret, history.Aborted, "")
			case c.hung.Load():
				return finish(ret, history.Hung, fmt.Sprintf("no end was seen within %v", t.clock.patience))
			}
			c.vanish() // the session is over
			return false
		}
	}
}

// vanish lets go of a turn of which nobody knows what became: its end is not recorded.
func (c *client) vanish() {
	c.progress.flush()
	closeOnce(c.t.sent)
	c.s.turns.ended()
	close(c.t.over)
}
