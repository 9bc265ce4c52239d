package dashboard

import (
	"log/slog"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/status"
)

// Parts is a dashboard taken apart, in the order in which it is put together: each
// part is made from those above it.
type Parts struct {
	Home       string
	Log        *slog.Logger
	Token      Token
	Status     Reader                    // the gateway as somebody outside may rely on it
	Strength   func(secret string) error // says what is weak about a secret
	Verifier   Verifier                  // says whose a token is
	Parse      func([]byte) (Act, error) // reads what a request's body asks for
	Marker     Marker                    // puts the marker into the home, and takes it away
	Controller Controller                // does what was asked for
}

// Reader views a gateway.
type Reader interface {
	Read() (status.View, error)
}

// Gateway is the Reader of the gateway of a home.
type Gateway struct{ Home string }

// Read views it now.
func (g Gateway) Read() (status.View, error) { return status.Read(g.Home) }

// Marker is the marker of one home.
type Marker interface {
	// Write puts it there, whole or not at all (CONTROL-001).
	Write(drain.Request) (replaced bool, err error)
	// Remove takes it away; that there is none is no error (CONTROL-002).
	Remove() (existed bool, err error)
}

// File is the Marker as a file.
type File struct{ Home string }

// Write implements Marker.
func (f File) Write(request drain.Request) (bool, error) { return drain.Write(f.Home, request) }

// Remove implements Marker.
func (f File) Remove() (bool, error) { return drain.Remove(f.Home) }

// Wrap puts something around parts as they are made. Every function may be nil;
// each gets the parts made so far and the part it wraps, and returns what is used
// in its place.
type Wrap struct {
	Status     func(*Parts, Reader) Reader
	Strength   func(*Parts, func(string) error) func(string) error
	Verifier   func(*Parts, Verifier) Verifier
	Parse      func(*Parts, func([]byte) (Act, error)) func([]byte) (Act, error)
	Marker     func(*Parts, Marker) Marker
	Controller func(*Parts, Controller) Controller
}

func assemble(config Config, wraps []Wrap) *Parts {
	p := &Parts{
		Home: config.Home, Log: config.Log, Token: config.Token,
		Status: Gateway{Home: config.Home}, Strength: Strength, Verifier: config.Token, Parse: Parse,
		Marker: File{Home: config.Home},
	}
	for _, wrap := range wraps {
		p.Status = around(p, p.Status, wrap.Status)
		p.Strength = around(p, p.Strength, wrap.Strength)
		p.Verifier = around(p, p.Verifier, wrap.Verifier)
		p.Parse = around(p, p.Parse, wrap.Parse)
		p.Marker = around(p, p.Marker, wrap.Marker)
	}
	p.Controller = &mover{marker: p.Marker, stamp: config.Stamp, log: config.Log}
	for _, wrap := range wraps {
		p.Controller = around(p, p.Controller, wrap.Controller)
	}
	return p
}

func around[T any](p *Parts, right T, wrap func(*Parts, T) T) T {
	if wrap == nil {
		return right
	}
	return wrap(p, right)
}
