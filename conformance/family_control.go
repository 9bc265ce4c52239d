package conformance

import (
	"context"
	"errors"
	"strings"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// The CONTROL family: the endpoint by which a controller moves the marker over HTTP.
// What it answers, and what it makes of the marker, is the monitors' to judge.
func (s *suite) control() {
	s.situation("CONTROL", "moves",
		"requests drains and takes them back over HTTP: the marker is whole at every moment and names whom the token stands for",
		ids("CONTROL-001", "CONTROL-002", "CONTROL-005"), s.moveByEndpoint, needs("control"))
	s.situation("CONTROL", "refuses",
		"moves nothing for requests that ask for nothing it knows or come without the right token, and says so when it can't",
		ids("CONTROL-003", "CONTROL-004", "CONTROL-008"), refuseAtEndpoint, needs("control"))
	for i, w := range weakSecrets() {
		options := []option{needs("control"), unstarted(), withControlSecret(w.secret)}
		if i > 0 {
			options = append(options, thorough()) // each is a gateway of its own, and one tells an endpoint that looks at all
		}
		s.situation("CONTROL", w.name, "switches the endpoint off where the secret has "+w.lacks,
			ids("CONTROL-006"), func(ctx context.Context, gw gateway) { tryWeakSecret(ctx, gw, w) }, options...)
	}
	s.situation("CONTROL", "down",
		"moves the marker over HTTP while the gateway is down, which then starts accordingly",
		ids("CONTROL-007"), moveWithoutGateway, needs("control"), respawning())
}

func (s *suite) moveByEndpoint(ctx context.Context, gw gateway) {
	empty, more := "", `{"action":"drain","principal":"drainproof-impostor"}`
	for i := range max(1, s.repeat.Drains/10) {
		gw.step(ctx, "round %d: request a drain over HTTP, and request it again", i+1)
		gw.ask(ctx, pod.Ask{Action: history.AskDrain})
		gw.eventually(ctx).Should(expect.BeDraining())
		gw.ask(ctx, pod.Ask{Action: history.AskDrain})
		gw.step(ctx, "round %d: take it back over HTTP, twice", i+1)
		gw.ask(ctx, pod.Ask{Action: history.AskCancel})
		gw.eventually(ctx).Should(expect.BeRunning())
		gw.ask(ctx, pod.Ask{Action: history.AskCancel})
		gw.step(ctx, "round %d: request a drain without a body, and one in another's name", i+1)
		gw.ask(ctx, pod.Ask{Action: history.AskDrain, Body: &empty, Case: history.CaseEmptyBody})
		gw.eventually(ctx).Should(expect.BeDraining())
		gw.ask(ctx, pod.Ask{Action: history.AskCancel})
		gw.eventually(ctx).Should(expect.BeRunning())
		if gw.ask(ctx, pod.Ask{Action: history.AskDrain, Body: &more, Case: "a body that names another principal"}).Present {
			gw.eventually(ctx).Should(expect.BeDraining())
			gw.revert(ctx)
		}
	}
}

// refuseAtEndpoint makes requests that must move nothing, or can't, without a marker
// and with one.
func refuseAtEndpoint(ctx context.Context, gw gateway) {
	for _, marked := range []bool{false, true} {
		there, act := "no marker", history.AskDrain
		if marked {
			there, act = "a marker", history.AskCancel
			gw.drain(ctx)
		}
		gw.step(ctx, "with %s there, ask for what the endpoint does not know", there)
		for _, bad := range []struct{ what, body string }{
			{"an unknown action", `{"action":"restart"}`},
			{"an action that is a number", `{"action":1}`},
			{"a list", `["drain"]`},
			{"a string", `"cancel"`},
			{"no JSON", `action=` + act},
			{"half an object", `{"action":"` + act + `"`},
		} {
			gw.unmoved(ctx, pod.Ask{Case: bad.what, Body: &bad.body}, marked)
		}
		gw.step(ctx, "with %s there, ask for a %s without the right token", there, act)
		right := gw.ControlToken()
		for what, token := range map[string]string{
			"almost the right one":       right[:len(right)-1] + other(right[len(right)-1]),
			"the beginning of it":        right[:len(right)-1],
			"more than it":               right + "x",
			"another of the same length": strings.Repeat("x", len(right)),
		} {
			gw.unmoved(ctx, pod.Ask{Action: act, Case: what, Credential: history.WrongToken, Token: token}, marked)
		}
		gw.unmoved(ctx, pod.Ask{Action: act, Case: "none at all", Credential: history.NoToken}, marked)
		if !gw.Root() { // nobody keeps root from writing
			gw.step(ctx, "with %s there, ask for a %s while nothing can be made in the home, or removed", there, act)
			gw.unmoved(ctx, pod.Ask{Action: act, Lock: true}, marked)
		}
	}
	gw.revert(ctx)
}

// other is a character that is not this one.
func other(char byte) string {
	if char == 'A' {
		return "B"
	}
	return "A"
}

// weakSecret fails one of the three tests of strength, and passes the others.
type weakSecret struct{ name, lacks, secret string }

func weakSecrets() []weakSecret {
	return []weakSecret{
		{"weak-short", "fewer than 43 characters", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"},
		{"weak-few", "fewer than 16 different characters", strings.Repeat("abcdefghijklmno", 4)},
		{"weak-skewed", "less than 128 bits of entropy", strings.Repeat("a", 60) + "bcdefghijklmnop"},
	}
}

// tryWeakSecret asks with the very secret the gateway was given. One that refuses to
// start with it is safe as well.
func tryWeakSecret(ctx context.Context, gw gateway, w weakSecret) {
	gw.step(ctx, "start with a secret that has %s, and ask for a drain with it", w.lacks)
	var refused *pod.StartError
	if err := gw.Start(ctx); !errors.As(err, &refused) {
		must(err)
	}
	got := gw.ask(ctx, pod.Ask{Action: history.AskDrain, Credential: history.WeakToken, Case: w.lacks})
	if got.Present {
		gw.cancelDrain(ctx)
	}
}

func moveWithoutGateway(ctx context.Context, gw gateway) {
	for _, end := range []struct {
		how string
		do  func(context.Context) error
	}{{"a SIGTERM", gw.SIGTERM}, {"a SIGKILL", gw.SIGKILL}} {
		gw.step(ctx, "end the gateway by %s, request a drain over HTTP, and start it again", end.how)
		must(end.do(ctx))
		gw.exited(ctx)
		gw.ask(ctx, pod.Ask{Action: history.AskDrain})
		must(gw.Respawn(ctx))
		must(gw.AwaitReady(ctx))
		gw.eventually(ctx).Should(expect.BeDraining())

		gw.step(ctx, "end it again, take the drain back over HTTP, and start it again")
		must(end.do(ctx))
		gw.exited(ctx)
		gw.ask(ctx, pod.Ask{Action: history.AskCancel})
		must(gw.Respawn(ctx))
		must(gw.AwaitReady(ctx))
		gw.eventually(ctx).Should(expect.BeRunning())
	}
}

// ask makes a request to the control endpoint.
func (g gateway) ask(ctx context.Context, a pod.Ask) history.Control {
	got, err := g.Ask(ctx, a)
	must(err)
	return got
}

// unmoved makes a request that must not move the marker. If it did, it is put back
// to where it was, so that the next one is judged for itself.
func (g gateway) unmoved(ctx context.Context, a pod.Ask, marked bool) {
	got := g.ask(ctx, a)
	switch {
	case got.Present && !marked:
		g.cancelDrain(ctx)
	case !got.Present && marked:
		g.beginDrain(ctx)
	}
}
