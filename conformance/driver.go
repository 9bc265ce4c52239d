package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/target"
)

// poll is how often an expectation looks at what the probe has reported; it
// costs nothing and is in no figure, since the probe stamps what it sees.
const poll = 2 * time.Millisecond

// gateway is the gateway under test with the errors of the harness taken care
// of: each ends the spec, and none of them is held against the gateway.
type gateway struct {
	*pod.Gateway
	spent *spent
}

// spent is what the time of a spec went into.
type spent struct {
	Pod    time.Duration `json:"pod_ns"`    // making and removing its pod
	Waited time.Duration `json:"waited_ns"` // letting a bound pass
}

// spentEntry is under which name the runner keeps it.
const spentEntry = "spent"

// waits counts the time until the returned function is called as waiting for a bound.
func (g gateway) waits() (done func()) {
	began := time.Now()
	return func() { g.spent.Waited += time.Since(began) }
}

// whole is B, and a little more: within it a gateway has looked and published.
func (g gateway) whole() time.Duration { return g.B() + g.B()/10 }

// Hold lets the time pass.
func (g gateway) Hold(ctx context.Context, d time.Duration) error {
	defer g.waits()()
	return g.Gateway.Hold(ctx, d)
}

func must(err error) {
	ginkgo.GinkgoHelper()
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
}

func (g gateway) step(ctx context.Context, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	ginkgo.By(text)
	must(g.Step(ctx, text))
}

func (g gateway) beginDrain(ctx context.Context) {
	ginkgo.GinkgoHelper()
	must(g.BeginDrain(ctx))
}

func (g gateway) cancelDrain(ctx context.Context) {
	ginkgo.GinkgoHelper()
	must(g.CancelDrain(ctx))
}

// drain requests a drain and waits until it is published.
func (g gateway) drain(ctx context.Context) {
	ginkgo.GinkgoHelper()
	g.beginDrain(ctx)
	g.eventually(ctx).Should(expect.BeDraining())
}

// revert cancels the drain and waits until the gateway publishes running.
func (g gateway) revert(ctx context.Context) {
	ginkgo.GinkgoHelper()
	g.cancelDrain(ctx)
	g.eventually(ctx).Should(expect.BeRunning())
}

func (g gateway) submit(ctx context.Context, t pod.Turn) *pod.Submitted {
	ginkgo.GinkgoHelper()
	s, err := g.Submit(ctx, t)
	must(err)
	return s
}

// held submits a turn and waits until the model holds it.
func (g gateway) held(ctx context.Context, t pod.Turn) *pod.Submitted {
	ginkgo.GinkgoHelper()
	t.Hold = true
	s := g.submit(ctx, t)
	g.eventuallyTurn(ctx, s).Should(expect.BeHeldByTheModel())
	return s
}

// heldOnAll puts such a turn in flight on every ingress, as far as the capacity goes.
func (g gateway) heldOnAll(ctx context.Context, t pod.Turn) []*pod.Submitted {
	ginkgo.GinkgoHelper()
	var turns []*pod.Submitted
	for _, ingress := range g.ingresses()[:min(len(g.ingresses()), g.Target().Capacity)] {
		t.Ingress = ingress
		turns = append(turns, g.held(ctx, t))
	}
	return turns
}

// crosses takes the turns that are in flight through a drain, a request of it anew, and its
// cancel, and waits for what that may set off.
func (g gateway) crosses(ctx context.Context, inFlight int) {
	ginkgo.GinkgoHelper()
	g.drain(ctx)
	must(g.Rewrite(ctx, "rename"))
	g.holds(ctx, g.B()/20, expect.HaveCount(inFlight))
	g.revert(ctx)
	g.holds(ctx, g.whole(), expect.BeRunning())
}

// turnsAway submits a turn on every ingress in a drain, one after the other.
func (g gateway) turnsAway(ctx context.Context, purpose string) {
	ginkgo.GinkgoHelper()
	for _, ingress := range g.ingresses() {
		turn := g.submit(ctx, pod.Turn{Ingress: ingress, Hold: true, Purpose: purpose})
		g.eventuallyTurn(ctx, turn).Should(g.beTurnedAway())
	}
}

// accepts submits a turn after a cancel and waits for its whole reply. Until B has
// passed the gateway need not accept it (GATE-011), so one is sent again until
// then; what becomes of a later one is the monitors' to judge.
func (g gateway) accepts(ctx context.Context, t pod.Turn) {
	ginkgo.GinkgoHelper()
	began := time.Now()
	for {
		due := time.Since(began) > g.B()+g.B()/4
		turn := g.submit(ctx, t)
		g.eventuallyTurn(ctx, turn).Should(expect.HaveEnded())
		if turn.View().Outcome == history.Finished || due {
			gomega.Expect(turn).To(expect.FinishWhole())
			return
		}
		must(g.Hold(ctx, g.B()/20))
	}
}

// acceptsOnAll is accepts on every ingress, at once.
func (g gateway) acceptsOnAll(ctx context.Context, purpose string) {
	ginkgo.GinkgoHelper()
	var turns []*pod.Submitted
	for _, ingress := range g.ingresses() {
		turns = append(turns, g.submit(ctx, pod.Turn{Ingress: ingress, Purpose: purpose}))
	}
	for i, turn := range turns {
		g.eventuallyTurn(ctx, turn).Should(expect.HaveEnded())
		if turn.View().Outcome != history.Finished {
			g.accepts(ctx, pod.Turn{Ingress: g.ingresses()[i], Purpose: purpose})
		}
	}
}

// beTurnedAway is what must become of a new turn during a drain: it is refused, or
// queued where the target declares that (GATE-001).
func (g gateway) beTurnedAway() types.GomegaMatcher {
	if g.Target().Declares("queue") {
		return expect.BeRefusedOrQueued()
	}
	return expect.BeRefused()
}

// eventually waits for what is published, for twice as long as the contract gives a
// gateway before a suite gives up, and no longer than its process lives.
func (g gateway) eventually(ctx context.Context) types.AsyncAssertion {
	ginkgo.GinkgoHelper()
	return gomega.Eventually(ctx, patiently(g.Withheld, 2*g.Grace(), func() (pod.Published, error) { return g.unlessGone(g.Published()) })).WithPolling(poll)
}

// patiently polls for a time, in which what the machine withheld does not count, up to
// twice that time: the monitors leave it out too, and name nothing that was given up
// sooner. It is for an Eventually without a timeout.
func patiently[T any](withheld func() time.Duration, d time.Duration, look func() (T, error)) func() (T, error) {
	began, before, over := time.Now(), withheld(), false
	return func() (T, error) {
		v, err := look()
		if err == nil && over {
			err = gomega.StopTrying(fmt.Sprintf("it was given %s, and the time that the machine withheld", d))
		}
		passed := time.Since(began)
		over = passed > d && passed-min(withheld()-before, 2*d) > d // and one more look
		return v, err
	}
}

// withoutYet takes out of a message what gomega says between why it gave up and what was
// awaited, where the looks themselves all went well.
func withoutYet(message string) string {
	return strings.Replace(message, "At one point, however, the function did return successfully.\nYet, Eventually failed because the matcher was not satisfied:\n", "", 1)
}

// unlessGone ends the waiting for what a gateway publishes when its process does.
func (g gateway) unlessGone(p pod.Published) (pod.Published, error) {
	if !g.Alive() {
		return p, gomega.StopTrying("the gateway's process is gone")
	}
	return p, nil
}

// eventuallyTurn waits a little longer than the probe waits for a turn, so that one
// that hangs is seen to hang.
func (g gateway) eventuallyTurn(ctx context.Context, s *pod.Submitted) types.AsyncAssertion {
	ginkgo.GinkgoHelper()
	return g.patientlyTurn(ctx, s, g.Grace()+g.B()/2)
}

// patientlyTurn waits for a turn for a time, in which what the machine withheld does not count.
func (g gateway) patientlyTurn(ctx context.Context, s *pod.Submitted, d time.Duration) types.AsyncAssertion {
	ginkgo.GinkgoHelper()
	return gomega.Eventually(ctx, patiently(g.Withheld, d, func() (*pod.Submitted, error) { return s, nil })).WithPolling(poll)
}

// onTheWay waits until a long reply begins to go out to a client that reads nothing. A
// gateway that hands nothing on before it has all of it takes as long as the machine
// does, of which the contract says nothing.
func (g gateway) onTheWay(ctx context.Context, s *pod.Submitted) {
	ginkgo.GinkgoHelper()
	g.patientlyTurn(ctx, s, g.Grace()+bulk).Should(expect.HaveItsReplyOnTheWay())
}

// arrivesWhole waits until such a reply has been read, once its client reads.
func (g gateway) arrivesWhole(ctx context.Context, s *pod.Submitted) {
	ginkgo.GinkgoHelper()
	g.patientlyTurn(ctx, s, g.Grace()+bulk).Should(expect.FinishWhole())
}

// bulk is how long a reply of that length may be under way through a gateway, on a
// machine that has much else to do.
const bulk = 10 * time.Second

// holds expects that what is published comes to match, and then does not change for a
// while. An endpoint that did not answer in time said nothing; what it said last
// stands until it does. A gateway that was kept from running meanwhile is given that time
// on top, twice at the most: what it would have done wrong it could not do yet.
func (g gateway) holds(ctx context.Context, d time.Duration, m types.GomegaMatcher) {
	ginkgo.GinkgoHelper()
	var said pod.Published
	gomega.Eventually(ctx, patiently(g.Withheld, g.Grace(), func() (pod.Published, error) {
		said = g.Published()
		return g.unlessGone(said)
	})).WithPolling(poll).Should(m)
	defer g.waits()()
	before := g.Withheld()
	said = g.consistently(ctx, said, d, m)
	for range 2 {
		withheld := g.Withheld()
		if withheld == before {
			return
		}
		said = g.consistently(ctx, said, min(d, withheld-before), m)
		before = withheld
	}
}

// consistently returns what was said last; said is what was said before.
func (g gateway) consistently(ctx context.Context, said pod.Published, d time.Duration, m types.GomegaMatcher) pod.Published {
	ginkgo.GinkgoHelper()
	gomega.Consistently(ctx, func() (pod.Published, error) {
		said = g.Published().Over(said)
		return g.unlessGone(said)
	}).WithTimeout(d).WithPolling(poll).Should(m)
	return said
}

// retakeWhileNoisy repeats a measurement, twice at the most, while its newest
// occurrence was drowned in noise of the machine.
func (g gateway) retakeWhileNoisy(ctx context.Context, requirement string, take func(context.Context)) {
	ginkgo.GinkgoHelper()
	for range 2 {
		j, err := g.Judge(requirement)
		must(err)
		if j.Inconclusive == "" {
			return
		}
		g.step(ctx, "the machine stalled while %s was measured; taking it again", requirement)
		take(ctx)
	}
}

// drained waits until everything submitted has ended and 0 is published, so that
// the next movement starts from nothing in flight.
func (g gateway) drained(ctx context.Context) {
	ginkgo.GinkgoHelper()
	must(g.Release(ctx))
	g.eventually(ctx).Should(expect.HaveCount(0))
}

// ingresses are the names of the ways in that the target declares.
func (g gateway) ingresses() []string {
	var names []string
	for _, in := range g.Target().Ingresses {
		names = append(names, in.Name)
	}
	return names
}

// connected are the names of those over which a client holds a connection.
func (g gateway) connected() []string {
	var names []string
	for _, in := range g.Target().Ingresses {
		if in.Wire != target.DriverWire {
			names = append(names, in.Name)
		}
	}
	return names
}

// keeping are the names of those whose answer leaves the connection for another turn.
func (g gateway) keeping() []string {
	var names []string
	for _, in := range g.Target().Ingresses {
		if !in.Stream && !in.Detached() {
			names = append(names, in.Name)
		}
	}
	return names
}

// withoutStream is the name of an ingress that answers in one piece, which its client
// waits for, or of the first one when the target has none.
func (g gateway) withoutStream() string { return g.pick(false) }

// streamed is the name of an ingress that streams, or of the first one.
func (g gateway) streamed() string { return g.pick(true) }

func (g gateway) pick(stream bool) string {
	for _, in := range g.Target().Ingresses {
		if in.Stream == stream && !in.Detached() {
			return in.Name
		}
	}
	return g.Target().Ingresses[0].Name
}

// detached are the names of the ingresses whose replies come later, or elsewhere.
func (g gateway) detached() []string {
	var names []string
	for _, in := range g.Target().Ingresses {
		if in.Detached() {
			names = append(names, in.Name)
		}
	}
	return names
}

// delivers says whether a reply of an ingress can be kept from being handed over.
func (g gateway) delivers(name string) bool {
	return !slices.ContainsFunc(g.Target().Ingresses, func(in target.Ingress) bool { return in.Name == name && !in.Stalls() })
}

// sessions are the names of the ingresses that take a session's name, where the target
// declares sessions.
func (g gateway) sessions() []string {
	var names []string
	for _, in := range g.Target().Ingresses {
		if in.SessionHeader != "" && g.Target().Declares("sessions") {
			names = append(names, in.Name)
		}
	}
	return names
}

func (g gateway) streams(name string) bool {
	for _, in := range g.Target().Ingresses {
		if in.Name == name {
			return in.Stream
		}
	}
	return false
}

// stalledReply is a reply too long for the kernel to take over from a gateway
// whose client reads nothing (a server hands over some 4 MB), in bytes.
const stalledReply = 8 << 20

// relay is how long a gateway that reads ahead of its client may take, on a busy
// machine, to have all of such a reply from its model. The observation bound says
// nothing of that.
const relay = 2 * time.Second

// sweepInFlight bounds what a sweep keeps in flight, so that it tests the gate
// and not the target's capacity.
func (g gateway) sweepInFlight() int { return max(1, min(32, g.Target().Capacity/2)) }
