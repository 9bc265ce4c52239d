package monitor

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// story builds a synthetic history. Times are milliseconds; every event takes 10
// microseconds unless its method says otherwise. The bound is 2 s.
type story struct {
	events  []history.Event
	version string         // of the state file, as the current process writes it
	left    *history.State // what the file says
	life    int
}

const bound = 2 * time.Second

func ms(at float64) history.Stamp { return history.Stamp(1e9 + at*1e6) }

// tell runs the parts and returns the story they make.
func tell(parts ...func(*story)) *story {
	s := &story{}
	s.add(0, history.Event{Kind: history.KindHeader, Header: &history.Header{
		Schema: 1, Spec: "a story", Requirements: []string{"GATE-001"}, Bound: bound, Target: "t", Runtime: "process",
	}})
	for _, p := range parts {
		p(s)
	}
	return s
}

func (s *story) add(at float64, e history.Event) { s.span(at, at+0.01, e) }

func (s *story) span(from, to float64, e history.Event) {
	e.Call, e.Return = ms(from), ms(to)
	e.Seq = uint64(len(s.events))
	s.events = append(s.events, e)
}

func (s *story) action(at float64, name string) {
	if name == history.ActionRespawn || name == history.ActionRecreate || name == history.ActionStart {
		s.life++
	}
	if name == history.ActionRespawn && s.left != nil { // the suite reads what the old process left
		s.add(at-0.02, history.Event{Kind: history.KindState, State: s.left})
	}
	s.add(at, history.Event{Kind: history.KindAction, Action: &history.Action{Name: name}})
}

// declares says what the target does: features, and a shutdown deadline in
// milliseconds.
func (s *story) declares(deadline float64, features ...string) {
	h := s.events[0].Header
	h.Features, h.ShutdownDeadline = features, time.Duration(deadline*1e6)
}

// exited has the runtime tell how the process ended.
func (s *story) exited(at float64, code int) {
	s.add(at, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionExited, ExitCode: &code}})
}

// tells has the gateway announce something.
func (s *story) tells(at float64, broadcast bool) {
	s.add(at, history.Event{Kind: history.KindNotice, Notice: &history.Notice{Method: "POST", Path: "/", Broadcast: broadcast}})
}

func (s *story) process(at float64, phase string, more ...func(*history.Process)) {
	p := &history.Process{Phase: phase, PID: 100 + s.life, StartTime: uint64(1000 + s.life)}
	for _, m := range more {
		m(p)
	}
	s.add(at, history.Event{Kind: history.KindProcess, Process: p})
}

func socket(inode uint64) func(*history.Process) {
	return func(p *history.Process) { p.Port, p.Inode = 8080, inode }
}

func exit(code int) func(*history.Process) {
	return func(p *history.Process) { p.ExitCode = &code }
}

// up launches the gateway and has it ready 20 ms later; it then listens on
// socket 7 times the number of its life.
func (s *story) up(at float64, action string) {
	s.action(at, action)
	s.process(at+5, history.ProcessSeen)
	s.process(at+15, history.ProcessListening, socket(uint64(7*s.life)))
	s.action(at+20, history.ActionReady)
}

// down has the harness give up waiting for it to become ready.
func (s *story) down(at float64) {
	s.add(at, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionReady, Error: "connection refused"}})
}

// crashed has it killed at 1500, and launched again at 2000.
func crashed(s *story) {
	s.action(1500, history.ActionSIGKILL)
	s.process(1520, history.ProcessGone)
	s.up(2000, history.ActionRespawn)
}

// read is a reading of the file, whose identity changes with every reading.
func (s *story) read(at float64, state string, count int) {
	s.version = strconv.Itoa(len(s.events))
	s.stale(at, state, count)
}

// stale is a reading of a file that nobody has written since the last.
func (s *story) stale(at float64, state string, count int) {
	s.left = &history.State{Publication: "file", State: state, Count: count, Version: s.version}
	s.add(at, history.Event{Kind: history.KindState, State: s.left})
}

func (s *story) http(at float64, state string, count int) { s.add(at, onHTTP(state, count)) }

// onHTTP is a reading of the state endpoint.
func onHTTP(state string, count int) history.Event {
	return history.Event{Kind: history.KindState, State: &history.State{Publication: "http", State: state, Count: count}}
}

func (s *story) problem(at float64, class string) {
	s.add(at, history.Event{Kind: history.KindState, State: &history.State{Publication: "file", Problem: class, Error: "not as it should be", Version: s.version}})
}

func (s *story) marker(at float64, op history.Op, existed, present bool) {
	s.add(at, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: op, Existed: existed, Present: present}})
}

func (s *story) begin(at float64)   { s.marker(at, history.OpBegin, false, true) }
func (s *story) rewrite(at float64) { s.marker(at, history.OpRewrite, true, true) }
func (s *story) cancel(at float64)  { s.marker(at, history.OpCancel, true, false) }

func (s *story) turn(at float64, id string, phase history.TurnPhase, more ...func(*history.Turn)) {
	t := &history.Turn{ID: id, Phase: phase, Ingress: "chat"}
	for _, m := range more {
		m(t)
	}
	s.add(at, history.Event{Kind: history.KindTurn, Turn: t})
}

func reused(t *history.Turn)  { t.Reused = true }
func stream(t *history.Turn)  { t.Ingress = "stream" }
func longAnd(t *history.Turn) { t.Stalls, t.ReplyBytes = true, DeliveryBytes }

func (s *story) model(at float64, id string, phase history.ModelPhase) {
	s.add(at, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 1, Phase: phase}})
}

// hold sends a turn that reaches the model a millisecond later and stays there.
func (s *story) hold(at float64, id string, more ...func(*history.Turn)) {
	s.turn(at, id, history.TurnSent, more...)
	s.model(at+1, id, history.ModelCalled)
}

// finish releases a held turn; its client has the whole reply 2 ms later.
func (s *story) finish(at float64, id string) {
	s.model(at, id, history.ModelReleased)
	s.model(at+1, id, history.ModelDone)
	s.end(at+2, id, history.Finished)
}

func (s *story) end(at float64, id string, outcome history.TurnOutcome) {
	s.turn(at, id, history.TurnEnded, func(t *history.Turn) { t.Outcome = outcome })
}

// outwaited ends a turn whose client gives up waiting.
func (s *story) outwaited(from, to float64, id string) {
	s.span(from, to, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: id, Phase: history.TurnEnded, Outcome: history.Hung}})
}

// refuse sends a turn that is refused within 2 ms, as it should be.
func (s *story) refuse(at float64, id string, more ...func(*history.Turn)) {
	s.turn(at, id, history.TurnSent, more...)
	s.turn(at+1, id, history.TurnAnswered)
	s.turn(at+2, id, history.TurnEnded, func(t *history.Turn) {
		t.Outcome, t.Status, t.RetryAfter, t.Code = history.Refused, 503, "1", "draining"
	})
}

func (s *story) stall(from, to float64) {
	s.span(from, to, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: time.Duration((to - from) * 1e6)}})
}

// judged is what the monitors say of a story, by requirement.
type judged map[string]Judgement

func (s *story) judge(t *testing.T) judged {
	t.Helper()
	v, err := NewView(s.events)
	if err != nil {
		t.Fatalf("NewView: %v", err)
	}
	all := JudgeAll(v)
	ofStories.holds(t, "", inFull(all, ms(0)))
	out := judged{}
	for _, j := range all {
		out[j.Requirement] = j
	}
	return out
}

func (j judged) where(pick func(Judgement) bool) []string {
	var ids []string
	for id, one := range j {
		if pick(one) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func violated(j Judgement) bool { return len(j.Violations) > 0 }
func blurred(j Judgement) bool  { return len(j.Noisy) > 0 }
func open(j Judgement) bool     { return j.Inconclusive != "" }

// check is one row of a table: the exact set of requirements that are violated,
// noisy and inconclusive, and those that must have arisen (or must not).
type check struct {
	name         string
	story        *story
	violated     []string
	noisy        []string
	inconclusive []string
	arose        []string
	notArose     []string
}

func runChecks(t *testing.T, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			got := c.story.judge(t)
			same := func(what string, got, want []string) {
				if !slices.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			same("violated", got.where(violated), c.violated)
			same("noisy", got.where(blurred), c.noisy)
			same("inconclusive", got.where(open), c.inconclusive)
			for _, id := range c.arose {
				if got[id].Arose == 0 {
					t.Errorf("%s never arose", id)
				}
			}
			for _, id := range c.notArose {
				if n := got[id].Arose; n != 0 {
					t.Errorf("%s arose %d times", id, n)
				}
			}
			for id, j := range got {
				for _, breach := range slices.Concat(j.Violations, j.Noisy) {
					if breach.Expected == "" || breach.Actual == "" || len(breach.Evidence) == 0 || breach.Requirement != id || !slices.IsSorted(breach.Evidence) {
						t.Errorf("%s: a breach must be told in full: %+v", id, breach)
					}
				}
			}
			if t.Failed() {
				for id, j := range got {
					for _, breach := range slices.Concat(j.Violations, j.Noisy) {
						t.Logf("%s: expected %s; actual %s; %v", id, breach.Expected, breach.Actual, breach.Evidence)
					}
				}
				for _, e := range c.story.events {
					t.Log(history.Line(e, ms(0)))
				}
			}
		})
	}
}

// do makes a part of a story out of steps.
func do(steps ...func(*story)) func(*story) {
	return func(s *story) {
		for _, step := range steps {
			step(s)
		}
	}
}

// launched is the usual beginning: launched at 0, running at 30.
func launched(s *story) {
	s.up(0, history.ActionStart)
	s.read(14, history.Starting, 0)
	s.read(30, history.Running, 0)
}

// drained is a begin at 1000, acknowledged at 1003 with the count.
func drained(count int) func(*story) {
	return func(s *story) {
		s.stale(999, history.Running, count)
		s.begin(1000)
		s.stale(1002, history.Running, count)
		s.read(1003, history.Draining, count)
	}
}
