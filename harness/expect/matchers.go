package expect

import (
	"fmt"

	"github.com/onsi/gomega/types"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// published matches when ok holds for every declared publication.
type published struct {
	want string
	ok   func(pod.Reading) bool
}

// BeDraining matches a [pod.Published] in which every publication says draining.
func BeDraining() types.GomegaMatcher { return inState(history.Draining) }

// BeRunning matches when every publication says running.
func BeRunning() types.GomegaMatcher { return inState(history.Running) }

// BeStopped matches when every publication says stopped. One that can't be reached went
// with the gateway, and says nothing.
func BeStopped() types.GomegaMatcher {
	return &published{want: history.Stopped, ok: func(r pod.Reading) bool {
		return r.Problem == history.ProblemUnreachable || r.Problem == "" && r.State == history.Stopped
	}}
}

func inState(state string) types.GomegaMatcher {
	return &published{want: state, ok: func(r pod.Reading) bool { return r.Problem == "" && r.State == state }}
}

// HaveCount matches when every publication says that n turns are in flight.
func HaveCount(n int) types.GomegaMatcher {
	return &published{want: fmt.Sprintf("active_agents %d", n), ok: func(r pod.Reading) bool {
		return r.Problem == "" && r.Count == n
	}}
}

// Match implements types.GomegaMatcher.
func (m *published) Match(actual any) (bool, error) {
	p, ok := actual.(pod.Published)
	if !ok {
		return false, fmt.Errorf("expected what a gateway publishes (gw.Published), got %T", actual)
	}
	for _, r := range p {
		if !m.ok(r) {
			return false, nil
		}
	}
	return len(p) > 0, nil
}

// FailureMessage implements types.GomegaMatcher.
func (m *published) FailureMessage(actual any) string {
	return fmt.Sprintf("expected every publication to say %s\nread last:  %v", m.want, actual)
}

// NegatedFailureMessage implements types.GomegaMatcher.
func (m *published) NegatedFailureMessage(actual any) string {
	return fmt.Sprintf("expected no publication to say %s\nread last:  %v", m.want, actual)
}

// turn matches a submitted turn by what is known of it.
type turn struct {
	want string
	ok   func(pod.TurnView) bool
}

// BeHeldByTheModel matches a turn that was admitted and whose model call is held.
func BeHeldByTheModel() types.GomegaMatcher {
	return &turn{"to be held by the model", func(t pod.TurnView) bool { return t.InModel }}
}

// HaveCalledTheModel matches a turn for which the model was called n times at least.
func HaveCalledTheModel(n int) types.GomegaMatcher {
	return &turn{fmt.Sprintf("to have called the model %d times", n), func(t pod.TurnView) bool { return t.ModelCalls >= n }}
}

// HaveItsReply matches a turn to which the model has given its whole reply: all that
// is seen of the end of a turn whose reply no client waits for.
func HaveItsReply() types.GomegaMatcher {
	return &turn{"to have its whole reply from the model", func(t pod.TurnView) bool { return t.ModelDone && !t.InModel }}
}

// FinishWhole matches a turn whose whole reply arrived, byte for byte.
func FinishWhole() types.GomegaMatcher {
	return &turn{"to finish whole", func(t pod.TurnView) bool { return t.Outcome == history.Finished }}
}

// HaveReceived matches a turn of whose reply at least n bytes have arrived.
func HaveReceived(n int) types.GomegaMatcher {
	return &turn{fmt.Sprintf("to have received %d bytes of its reply", n), func(t pod.TurnView) bool { return t.Received >= n }}
}

// HaveItsReplyOnTheWay matches a turn of whose reply the first bytes have arrived
// at its client, read or not: the gateway has begun to hand it over.
func HaveItsReplyOnTheWay() types.GomegaMatcher {
	return &turn{"to have its reply on the way", func(t pod.TurnView) bool { return t.Arriving || t.Answered || t.Received > 0 }}
}

// BeRefused matches a turn that was refused as draining and never reached the model.
func BeRefused() types.GomegaMatcher {
	return &turn{"to be refused as draining, unseen by the model", func(t pod.TurnView) bool {
		return t.Outcome == history.Refused && t.ModelCalls == 0
	}}
}

// BeQueued matches a turn that was acknowledged as queued and is not begun.
func BeQueued() types.GomegaMatcher {
	return &turn{"to be acknowledged as queued, unseen by the model", func(t pod.TurnView) bool {
		return t.Queued && t.ModelCalls == 0
	}}
}

// BeRefusedOrQueued matches a turn that was refused as draining or acknowledged as
// queued, and never reached the model.
func BeRefusedOrQueued() types.GomegaMatcher {
	return &turn{"to be refused as draining or queued, unseen by the model", func(t pod.TurnView) bool {
		return (t.Outcome == history.Refused || t.Queued) && t.ModelCalls == 0
	}}
}

// FindItsConnectionClosed matches a turn that was not sent, since the gateway had closed
// the connection that was kept for it.
func FindItsConnectionClosed() types.GomegaMatcher {
	return &turn{"to find its connection closed", func(t pod.TurnView) bool { return t.Outcome == history.Unsent && t.Reused }}
}

// BeHeldOff matches a turn that was not begun, and whose client knows: refused as
// draining or because its session is busy, or queued.
func BeHeldOff() types.GomegaMatcher {
	return &turn{"to be refused or queued, unseen by the model", func(t pod.TurnView) bool {
		return (t.Outcome == history.Refused || t.Outcome == history.Busy || t.Queued) && t.ModelCalls == 0
	}}
}

// HaveRun matches a turn that the model has answered, whoever waits for it.
func HaveRun() types.GomegaMatcher {
	return &turn{"to be answered by the model", func(t pod.TurnView) bool { return t.ModelDone }}
}

// HaveEnded matches a turn whose client has seen its end, whatever it was.
func HaveEnded() types.GomegaMatcher {
	return &turn{"to have ended", func(t pod.TurnView) bool { return t.Outcome != "" }}
}

// BeDecided matches a turn that was either admitted or has ended.
func BeDecided() types.GomegaMatcher {
	return &turn{"to be admitted or answered", func(t pod.TurnView) bool { return t.Outcome != "" || t.ModelCalls > 0 }}
}

// Match implements types.GomegaMatcher.
func (m *turn) Match(actual any) (bool, error) {
	s, ok := actual.(interface{ View() pod.TurnView })
	if !ok {
		return false, fmt.Errorf("expected a submitted turn, got %T", actual)
	}
	return m.ok(s.View()), nil
}

// FailureMessage implements types.GomegaMatcher.
func (m *turn) FailureMessage(actual any) string {
	return fmt.Sprintf("expected the turn %s\nseen so far: %v", m.want, view(actual))
}

// NegatedFailureMessage implements types.GomegaMatcher.
func (m *turn) NegatedFailureMessage(actual any) string {
	return fmt.Sprintf("expected the turn not %s\nseen so far: %v", m.want, view(actual))
}

func view(actual any) any {
	if s, ok := actual.(interface{ View() pod.TurnView }); ok {
		return s.View()
	}
	return actual
}
