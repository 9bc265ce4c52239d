package pod

import (
	"context"
	"errors"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// answerWithin bounds how long the control endpoint may take to answer: it writes
// one small file.
const answerWithin = 5 * time.Second

// Ask is one request to the target's control endpoint. With only an Action it is an
// ordinary one, with the right token.
type Ask struct {
	Action     string             // history.AskDrain or AskCancel; empty: neither, which Body must then show
	Body       *string            // in place of the target's own for the action
	Case       string             // what is out of the ordinary about the body
	Credential history.Credential // default history.RightToken
	Token      string             // shown in place of the right one
	Lock       bool               // let nothing be made or removed in the home meanwhile; not for root
	RetryFor   time.Duration      // keep trying to connect this long; default the target's ready.within
}

// Control asks the target's control endpoint for history.AskDrain or AskCancel, as
// its rightful user. The endpoint's refusal is no error: it stands in the answer.
func (g *Gateway) Control(ctx context.Context, action string) (history.Control, error) {
	return g.Ask(ctx, Ask{Action: action})
}

// Ask makes a request to the control endpoint. That it cannot be reached is no
// error either.
func (g *Gateway) Ask(ctx context.Context, a Ask) (history.Control, error) {
	r := g.pod.Resolved()
	c := r.Target.Control
	if c == nil {
		return history.Control{}, errors.New("the target has no control section, so there is no endpoint to ask")
	}
	right := r.Expand(r.Target.Env[c.Token])
	p := wire.ControlParams{
		Action: a.Action, Case: a.Case, Credential: a.Credential, Principal: c.Principal,
		Method: c.Method, URL: r.Expand(c.URL),
		Cancelled: recognise(c.Cancelled), Idle: recognise(c.Idle),
		Lock: a.Lock, RetryFor: a.RetryFor, GiveUp: answerWithin,
	}
	switch {
	case a.Body != nil:
		p.Body = *a.Body
	case a.Action == history.AskCancel:
		p.Body = c.Cancel
	default:
		p.Body = c.Drain
	}
	token := a.Token
	switch {
	case p.Credential == history.NoToken:
		token = ""
	case token == "":
		token = right
	}
	if p.Credential == "" {
		p.Credential = history.RightToken
	}
	if p.RetryFor == 0 {
		p.RetryFor = r.Target.Ready.Within
	}
	p.Header = expandAll(r, c.HeaderWith(token))
	if token != "" {
		p.Hide = []string{token}
	}
	return g.probe.Control(ctx, p)
}

// ControlToken is the secret the control endpoint was given, for requests that show
// almost that.
func (g *Gateway) ControlToken() string {
	r := g.pod.Resolved()
	if r.Target.Control == nil {
		return ""
	}
	return r.Expand(r.Target.Env[r.Target.Control.Token])
}
