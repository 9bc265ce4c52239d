package ingress

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// deliveries runs a function when a reply has been handed over for good.
//
// A handler can't tell: after it returned, net/http still writes what its buffers
// hold and the end of a chunked body, and with a client that reads slowly that can
// take as long as the client likes. The server's connection states tell: a
// connection that is idle again has nothing left to write, and one that is closed
// never will have.
type deliveries struct {
	connections sync.Map // net.Conn -> *connection
}

type connection struct {
	mu   sync.Mutex
	owed []func()
}

type connectionKey struct{}

// track is the server's ConnContext.
func (d *deliveries) track(ctx context.Context, conn net.Conn) context.Context {
	c := &connection{}
	d.connections.Store(conn, c)
	return context.WithValue(ctx, connectionKey{}, c)
}

// Connection identifies the connection over which the request of ctx came; nil where no
// server tracks it. A client's address identifies none: its port is soon used again.
func Connection(ctx context.Context) any { return ctx.Value(connectionKey{}) }

// changed is the server's ConnState.
func (d *deliveries) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateIdle:
		if c, tracked := d.connections.Load(conn); tracked {
			c.(*connection).settle()
		}
	case http.StateClosed, http.StateHijacked:
		if c, tracked := d.connections.LoadAndDelete(conn); tracked {
			c.(*connection).settle()
		}
	}
}

func (c *connection) settle() {
	c.mu.Lock()
	owed := c.owed
	c.owed = nil
	c.mu.Unlock()
	for _, done := range owed {
		done()
	}
}

// afterDelivery runs done when the reply to the request of ctx has been handed
// over, or can't be any more. The returned function belongs in the handler's
// defer: it runs done there when no server tracks the connection.
func afterDelivery(ctx context.Context, done func()) (fallback func()) {
	c, tracked := ctx.Value(connectionKey{}).(*connection)
	if !tracked {
		return done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed = append(c.owed, done)
	return func() {}
}
