package history

import (
	"fmt"
	"strings"
	"time"
)

// Describe tells an event in one line, without its stamps: "read file: draining,
// 2 in flight". Text that came from a gateway is quoted, so it can't forge lines.
func Describe(e Event) string {
	if err := e.Check(); err != nil {
		return "broken event: " + err.Error()
	}
	switch e.Kind {
	case KindHeader:
		return fmt.Sprintf("history of %q, bound %s, seed %d, %s runtime", e.Header.Spec, e.Header.Bound, e.Header.Seed, e.Header.Runtime)
	case KindStep:
		return fmt.Sprintf("step: %q", e.Step.Text)
	case KindMarker:
		return describeMarker(*e.Marker)
	case KindControl:
		return describeControl(*e.Control)
	case KindState:
		return describeState(*e.State)
	case KindTurn:
		return describeTurn(*e.Turn)
	case KindModel:
		return describeModel(*e.Model)
	case KindSession:
		return fmt.Sprintf("the history of session %q holds the turns %v", e.Session.Name, e.Session.Turns)
	case KindProcess:
		return describeProcess(*e.Process)
	case KindAction:
		text := "harness: " + e.Action.Words()
		if code := e.Action.ExitCode; code != nil {
			text += fmt.Sprintf(", exit code %d", *code)
		}
		return text + describeLoad(e.Action.Load) + failure(e.Action.Error)
	case KindStall:
		if e.Stall.Of == StallGateway {
			return fmt.Sprintf("noise: the gateway waited %s for a processor or a disk", e.Stall.Late.Round(time.Millisecond))
		}
		return fmt.Sprintf("noise: the heartbeat came %s late", e.Stall.Late.Round(time.Millisecond))
	case KindMemory:
		return fmt.Sprintf("gateway's process %d had %d KiB of memory at the most", e.Memory.PID, e.Memory.Peak/1024)
	case KindNotice:
		what := "something that is no shutdown"
		if e.Notice.Broadcast {
			what = "its shutdown"
		}
		return fmt.Sprintf("gateway announces %s: %s %q, %s", what, e.Notice.Method, e.Notice.Path, e.Notice.Text)
	case KindLog:
		if e.Log.Receipt != "" {
			return fmt.Sprintf("gateway says (receipt of fault %q): %q", e.Log.Receipt, e.Log.Line)
		}
		return fmt.Sprintf("gateway says: %q", e.Log.Line)
	default:
		return "outcome: " + e.Outcome.Result + failure(e.Outcome.Message)
	}
}

// Line is Describe with the event's stamps before it, in seconds since origin:
// when it had certainly not happened yet, and when it certainly had.
func Line(e Event, origin Stamp) string {
	return fmt.Sprintf("%10.6f .. %10.6f  #%d  %s", e.Call.Sub(origin).Seconds(), e.Return.Sub(origin).Seconds(), e.Seq, Describe(e))
}

// Words are the action's name, as it went.
func (a *Action) Words() string {
	if a.Name == ActionReady && a.Error != "" {
		return "not ready"
	}
	return a.Name
}

func failure(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(", %q", text)
}

func describeLoad(l *Load) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf(", %d turns held, one more every %s, %d burners", l.Turns, l.Every, l.Burners)
}

func describeMarker(m Marker) string {
	var b strings.Builder
	switch {
	case m.Op == OpFound && m.Present:
		b.WriteString("marker appeared or changed, not by the controller")
	case m.Op == OpFound:
		b.WriteString("marker vanished, not by the controller")
	case m.Op == OpCancel && !m.Existed:
		b.WriteString("controller: cancel (there was no marker)")
	case m.Op == OpDecoy && m.Present:
		b.WriteString("a marker was laid outside the home")
	case m.Op == OpDecoy:
		b.WriteString("the marker outside the home was removed")
	default:
		b.WriteString("controller: " + string(m.Op))
	}
	if m.How != "" {
		b.WriteString(", " + m.How)
	}
	if m.Mode != "" {
		b.WriteString(", mode " + m.Mode)
	}
	if m.Case != "" {
		b.WriteString(", " + m.Case)
	}
	if m.Epoch != "" {
		fmt.Fprintf(&b, ", stamped %q", m.Epoch)
	}
	if m.Age != 0 {
		fmt.Fprintf(&b, ", %s old", m.Age)
	}
	if m.Silences {
		b.WriteString(", asks that the shutdown be not announced")
	}
	if m.Error != "" {
		b.WriteString(", failed: " + fmt.Sprintf("%q", m.Error))
	}
	return b.String()
}

func describeState(s State) string {
	asked := ""
	if s.Asked {
		asked = " (asked)"
	}
	if s.Problem != "" {
		return fmt.Sprintf("read %s%s: %s, %q", s.Publication, asked, s.Problem, s.Error)
	}
	derived := ""
	if s.Busy != "" || s.Drainable != "" {
		derived = fmt.Sprintf(", busy %s, drainable %s", s.Busy, s.Drainable)
	}
	return fmt.Sprintf("read %s%s: %s, %d in flight%s", s.Publication, asked, s.State, s.Count, derived)
}

func describeTurn(t Turn) string {
	var b strings.Builder
	fmt.Fprintf(&b, "turn %s %s", t.ID, t.Phase)
	if t.Phase == TurnEnded {
		fmt.Fprintf(&b, ": %s", t.Outcome)
	}
	switch t.Phase {
	case TurnSent:
		fmt.Fprintf(&b, " to %s", t.Ingress)
		if t.Reused {
			b.WriteString(" on a connection opened earlier")
		}
	case TurnExpected:
		fmt.Fprintf(&b, " of the gateway's own making, %s", t.Origin)
	}
	if t.Purpose != "" && (t.Phase == TurnSent || t.Phase == TurnExpected) {
		fmt.Fprintf(&b, " (%s)", t.Purpose)
	}
	if t.Status != 0 {
		fmt.Fprintf(&b, ", status %d", t.Status)
	}
	if t.Code != "" {
		fmt.Fprintf(&b, ", code %q", t.Code)
	}
	if t.Bytes != 0 {
		fmt.Fprintf(&b, ", %d bytes", t.Bytes)
	}
	if t.Detail != "" {
		fmt.Fprintf(&b, ", %q", t.Detail)
	}
	return b.String()
}

func describeModel(m Model) string {
	what := map[ModelPhase]string{
		ModelCalled:   "reached the model",
		ModelReleased: "is released by the model",
		ModelEmitted:  "has the beginning of its reply from the model",
		ModelDone:     "has its whole reply from the model",
		ModelGone:     "was hung up on by the gateway, at the model",
	}[m.Phase]
	if what == "" {
		what = string(m.Phase)
	}
	if m.Tool != "" {
		what = fmt.Sprintf("has a call of the tool %s from the model", m.Tool)
	}
	if m.Auxiliary || m.Turn == "" {
		return "a call of no turn " + what
	}
	if m.Call > 1 {
		return fmt.Sprintf("turn %s, call %d, %s", m.Turn, m.Call, what)
	}
	return fmt.Sprintf("turn %s %s", m.Turn, what)
}

func describeProcess(p Process) string {
	switch p.Phase {
	case ProcessGone:
		if p.ExitCode != nil {
			return fmt.Sprintf("gateway's process %d is gone, exit code %d", p.PID, *p.ExitCode)
		}
		return fmt.Sprintf("gateway's process %d is gone", p.PID)
	case ProcessListening, ProcessClosed:
		return fmt.Sprintf("gateway's process %d: port %d %s, socket %d", p.PID, p.Port, p.Phase, p.Inode)
	default:
		return fmt.Sprintf("gateway's process %d %s, started at tick %d", p.PID, p.Phase, p.StartTime)
	}
}
