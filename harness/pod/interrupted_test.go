package pod

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// scripted is a runtime, its only pod, and a probe that sees the gateway go when
// somebody ends it: the part of the real ones in which an interrupted run can go
// wrong, without what would hide it by being quick.
type scripted struct {
	runtime.Pod
	near, far net.Conn
	mu        sync.Mutex
	now       history.Stamp
	onSignal  func()
	lost      error // what comes of a signal
	mute      bool  // the probe no longer answers
}

func (s *scripted) Name() string { return "docker" }
func (s *scripted) Prepare(context.Context, *target.Target) (runtime.Prepared, error) {
	return runtime.Prepared{}, nil
}
func (s *scripted) NewPod(context.Context, *target.Target, runtime.Prepared, runtime.PodOptions) (runtime.Pod, error) {
	return s, nil
}
func (s *scripted) Probe() io.ReadWriteCloser { return s.near }
func (s *scripted) Resolved() *runtime.Resolved {
	return &runtime.Resolved{Target: &target.Target{}, Home: "/home", Expand: func(v string) string { return v }}
}
func (s *scripted) GatewayPID() int                                  { return 7 }
func (s *scripted) StartGateway(context.Context) error               { return nil }
func (s *scripted) Logs(context.Context, int) ([]string, error)      { return nil, nil }
func (s *scripted) Follow(ctx context.Context, _ func(string)) error { <-ctx.Done(); return nil }

func (s *scripted) Signal(ctx context.Context, _ string) error {
	s.onSignal()
	return errors.Join(s.lost, ctx.Err())
}

// fallSilent has the probe answer nothing any more.
func (s *scripted) fallSilent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
}

// Recreate ends the gateway, and then nothing comes of it.
func (s *scripted) Recreate(context.Context) error {
	s.gone()
	return errors.New("the engine does not answer")
}

// Close ends the gateway, as removing its container does, and the probe sees it.
func (s *scripted) Close(context.Context) error {
	s.gone()
	return nil
}

func (s *scripted) gone() {
	s.tell(wire.Message{Event: &history.Event{Kind: history.KindProcess, Process: &history.Process{Phase: history.ProcessGone, PID: 7, StartTime: 1}}})
	// What is asked after it is answered after it.
	s.tell(wire.Message{ID: 1 << 40})
}

func (s *scripted) tell(m wire.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += 1000
	if m.Event != nil && m.Event.Return == 0 {
		m.Event.Call, m.Event.Return = s.now-10, s.now
	}
	if line, err := wire.EncodeLine(m); err == nil {
		_, _ = s.far.Write(line)
	}
}

func (s *scripted) probe(t *testing.T) {
	lines := wire.NewLineReader(s.far)
	for {
		line, err := lines.Next()
		if err != nil {
			return
		}
		r, err := wire.DecodeRequest(line)
		if err != nil {
			t.Error(err)
			return
		}
		s.mu.Lock()
		mute := s.mute
		s.mu.Unlock()
		if mute {
			continue
		}
		m := wire.Message{ID: r.ID}
		switch r.Verb {
		case wire.VerbHello:
			m.Result, _ = json.Marshal(wire.HelloResult{Version: wire.Version})
		case wire.VerbReady:
			m.Result, _ = json.Marshal(wire.ReadyResult{Ready: true})
		case wire.VerbWatch:
			s.tell(wire.Message{Event: &history.Event{Kind: history.KindProcess, Process: &history.Process{Phase: history.ProcessSeen, PID: 7, StartTime: 1}}})
		case wire.VerbStamp:
			s.mu.Lock()
			m.Result, _ = json.Marshal(s.now)
			s.mu.Unlock()
		case wire.VerbNote:
			var p wire.NoteParams
			_ = json.Unmarshal(r.Params, &p)
			if p.CallAt != 0 {
				s.mu.Lock()
				p.Event.Call, p.Event.Return = p.CallAt, s.now+500
				s.mu.Unlock()
			}
			s.tell(wire.Message{Event: &p.Event})
		}
		s.tell(m)
	}
}

func startScripted(t *testing.T) (*scripted, *Gateway) {
	t.Helper()
	s := &scripted{now: 1_000_000, onSignal: func() {}}
	s.near, s.far = net.Pipe()
	t.Cleanup(func() { s.near.Close(); s.far.Close() })
	go s.probe(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	g, err := Start(ctx, Options{
		Runtime: s, Target: &target.Target{Bounds: target.Bounds{Observe: time.Second}},
		File: filepath.Join(t.TempDir(), "history.jsonl"), Header: history.Header{Spec: "interrupted"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, g
}

func innocent(t *testing.T, g *Gateway) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	events, err := g.End(over, history.Outcome{Result: "interrupted"})
	if err != nil {
		t.Fatal(err)
	}
	v, err := monitor.NewView(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range monitor.JudgeAll(v) {
		for _, b := range j.Violations {
			t.Errorf("accused of %s: %s", b.Requirement, b.Actual)
		}
	}
}

// A run that is interrupted removes its pods; the end of their gateways is the
// harness's doing and nobody's breach.
func TestInterruptedRunAccusesNobody(t *testing.T) {
	_, g := startScripted(t)
	innocent(t, g)
}

// Also when the probe is past answering.
func TestInterruptedRunWithADeadProbeAccusesNobody(t *testing.T) {
	s, g := startScripted(t)
	s.fallSilent()
	innocent(t, g)
}

// A signal whose note the probe never answered is in the history all the same.
func TestSignalWithAMuteProbeIsWrittenDown(t *testing.T) {
	s, g := startScripted(t)
	s.onSignal = func() {
		s.fallSilent()
		s.gone()
	}
	if err := g.SIGTERM(t.Context()); err != nil {
		t.Fatal(err)
	}
	innocent(t, g)
}

// Nor is a signal that was heard while the engine that sent it was lost, and the probe
// with it, for which nobody has an answer.
func TestSignalOfAnEngineThatIsLost(t *testing.T) {
	s, g := startScripted(t)
	s.lost = fmt.Errorf("signal: %w", runtime.ErrUnanswered)
	s.onSignal = func() {
		s.fallSilent()
		s.gone()
	}
	if err := g.SIGTERM(t.Context()); !errors.Is(err, runtime.ErrUnanswered) {
		t.Fatalf("got %v, want the engine's silence", err)
	}
	innocent(t, g)
}

// A spec may run out of time while the engine is still busy with its signal.
func TestEndWhileASignalIsOnItsWay(t *testing.T) {
	s, g := startScripted(t)
	heard, answer, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.onSignal = func() {
		s.gone()
		close(heard)
		<-answer
	}
	go func() {
		defer close(done)
		_ = g.SIGTERM(t.Context())
	}()
	<-heard
	innocent(t, g)
	close(answer)
	<-done
}

// An interruption between a signal and the note of it does not make the gateway's
// obedience a breach.
func TestInterruptedWhileSignalling(t *testing.T) {
	s, g := startScripted(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.onSignal = func() {
		cancel()
		s.gone()
	}
	if err := g.SIGTERM(ctx); err != nil {
		t.Fatal(err)
	}
	innocent(t, g)
}

// A container that was removed, and could not be made anew, was removed by us.
func TestFailedRecreateAccusesNobody(t *testing.T) {
	_, g := startScripted(t)
	if err := g.Recreate(t.Context()); err == nil {
		t.Fatal("it was made anew by an engine that does not answer")
	}
	innocent(t, g)
}
