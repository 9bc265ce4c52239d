package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func header() Header {
	return Header{Spec: "a spec", Requirements: []string{"GATE-001"}, Seed: 7, Bound: 2 * time.Second, Target: "t", Runtime: "process"}
}

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.jsonl")
	w, err := Create(path, header())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := w.Append(Event{Seq: 99, Kind: KindStep, Call: Stamp(i), Return: Stamp(i + g), Step: &Step{Text: fmt.Sprintf("%d\n%d", g, i)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	sum, n, err := w.Close()
	if err != nil || n != 401 {
		t.Fatalf("Close: %d events, %v", n, err)
	}
	events, err := Read(path)
	if err != nil || len(events) != 401 {
		t.Fatalf("Read: %d events, %v", len(events), err)
	}
	if h := events[0].Header; h.Schema != Schema || h.Spec != "a spec" || h.Bound != 2*time.Second {
		t.Errorf("header came back as %+v", h)
	}
	if again, err := SHA256(path); err != nil || again != sum {
		t.Errorf("the file hashes to %s (%v), the writer said %s", again, err, sum)
	}
	if _, err := w.Append(Event{Kind: KindStep, Step: &Step{}}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if _, _, err := w.Close(); err == nil {
		t.Error("closing twice is an error")
	}
}

type brokenDisk struct{}

func (brokenDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriterKeepsItsFirstError(t *testing.T) {
	w := newWriter("h", brokenDisk{}, nil)
	if _, err := w.Append(Event{Kind: KindStep, Step: &Step{Text: "kept in the buffer"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("flush: %v", err)
	}
	if _, err := w.Append(Event{Kind: KindStep, Step: &Step{}}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("append after a failure: %v", err)
	}
	if _, _, err := w.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("close after a failure: %v", err)
	}
}

func TestCreateSaysWhere(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "no", "such", "folder"), header()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := SHA256(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

const (
	head = `{"seq":0,"kind":"header","call":0,"return":0,"header":{"schema":1,"spec":"s","requirements":null,"seed":1,"bound_ns":2000000000,"target":"t","runtime":"process","stamp_error_ns":0}}`
	one  = `{"seq":1,"kind":"step","call":1,"return":2,"step":{"text":"x"}}`
)

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"nothing", "", 1, "empty"},
		{"no header", one, 1, "begins with a header"},
		{"unknown schema", strings.Replace(head, `"schema":1`, `"schema":2`, 1), 1, "schema 2 is unknown"},
		{"two headers", head + "\n" + strings.Replace(head, `"seq":0`, `"seq":1`, 1), 2, "second header"},
		{"a broken line", head + "\n" + one[:20], 2, "no whole event"},
		{"an empty line", head + "\n\n" + one, 2, "the line is empty"},
		{"two events on a line", head + "\n" + one + one, 2, "more follows"},
		{"an unknown field", head + "\n" + strings.Replace(one, `"call"`, `"cal"`, 1), 2, "unknown field"},
		{"an unknown kind", head + "\n" + strings.Replace(one, `"step","c`, `"leap","c`, 1), 2, `kind "leap" is unknown`},
		{"no body", head + "\n" + `{"seq":1,"kind":"turn","call":1,"return":2}`, 2, "without its body"},
		{"another body", head + "\n" + strings.Replace(one, `"step":{`, `"outcome":{"result":"passed"},"step":{`, 1), 2, `with a "outcome" body`},
		{"a repeated number", head + "\n" + one + "\n" + one, 3, "follows 1"},
		{"a reversed interval", head + "\n" + strings.Replace(one, `"call":1`, `"call":3`, 1), 2, "before it begins"},
		{"a number beyond 64 bits", head + "\n" + strings.Replace(one, `"call":1`, `"call":1e30`, 1), 2, "no whole event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(strings.NewReader(c.text))
			var where *DecodeError
			if !errors.As(err, &where) || where.Line != c.line || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want line %d and %q", err, c.line, c.want)
			}
		})
	}
}

// endless is a line without an end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.n += len(p)
	return len(p), nil
}

func TestDecodeLimitsLines(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 64 MiB")
	}
	r := &endless{}
	_, err := Decode(io.MultiReader(strings.NewReader(head+"\n"), r))
	var where *DecodeError
	if !errors.As(err, &where) || where.Line != 2 || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
	if r.n > 3*MaxLine {
		t.Errorf("read %d bytes of a line without an end", r.n)
	}
	w := newWriter("h", io.Discard, nil)
	if _, err := w.Append(Event{Kind: KindStep, Step: &Step{Text: strings.Repeat("x", MaxLine)}}); err == nil {
		t.Error("what can't be read must not be written")
	}
}

func TestDecodeErrorNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.jsonl")
	if err := os.WriteFile(path, []byte(head+"\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := Read(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+":2: ") || len(events) != 1 {
		t.Errorf("got %d events and %v", len(events), err)
	}
}

func TestSlice(t *testing.T) {
	events := []Event{{Seq: 0, Kind: KindHeader}, {Seq: 2, Kind: KindStep}, {Seq: 3}, {Seq: 5}, {Seq: 8}, {Seq: 9, Kind: KindOutcome}}
	for _, c := range []struct {
		seqs   []uint64
		around int
		want   string
	}{
		{nil, 2, "[]"},
		{[]uint64{5}, 0, "[5]"},
		{[]uint64{5, 5, 3}, 0, "[3 5]"},
		{[]uint64{5}, 1, "[3 5 8]"},
		{[]uint64{5}, 9, "[2 3 5 8]"},
		{[]uint64{0, 4}, -1, "[0]"},
		{[]uint64{2, 8}, 1, "[2 3 5 8]"},
	} {
		got := []uint64{}
		for _, e := range Slice(events, c.seqs, c.around) {
			got = append(got, e.Seq)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v around %d: got %v, want %s", c.seqs, c.around, got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	code := 0
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Kind: KindState, State: &State{Publication: "file", State: Draining, Count: 2}}, "read file: draining, 2 in flight"},
		{Event{Kind: KindState, State: &State{Publication: "file", Problem: "unparseable", Error: "cut\noff", Asked: true}}, `read file (asked): unparseable, "cut\noff"`},
		{Event{Kind: KindMarker, Marker: &Marker{Op: OpBegin, How: "in-place", Present: true}}, "controller: begin, in-place"},
		{Event{Kind: KindMarker, Marker: &Marker{Op: OpCancel}}, "controller: cancel (there was no marker)"},
		{Event{Kind: KindControl, Control: &Control{Action: AskDrain, Credential: RightToken, Status: 200, Changed: true, Present: true}},
			"controller: asks the endpoint for a drain, token: right; status 200; the marker was written"},
		{Event{Kind: KindControl, Control: &Control{Case: "a list", Credential: RightToken, Status: 400}},
			"controller: asks the endpoint for nothing (a list), token: right; status 400; the marker is as it was"},
		{Event{Kind: KindControl, Control: &Control{Action: AskCancel, Case: "none at all", Credential: NoToken, Locked: true, Error: "refused", Changed: true}},
			"controller: asks the endpoint for a cancel (none at all), token: none, while the home cannot be written; no answer, \"refused\"; the marker was removed"},
		{Event{Kind: KindState, State: &State{Publication: "http", State: Running, Count: 1, Busy: "true", Drainable: "missing"}},
			"read http: running, 1 in flight, busy true, drainable missing"},
		{Event{Kind: KindMarker, Marker: &Marker{Op: OpBegin, How: "rename", Present: true, Epoch: "e\n1", Age: 2 * time.Hour}}, `controller: begin, rename, stamped "e\n1", 2h0m0s old`},
		{Event{Kind: KindMarker, Marker: &Marker{Op: OpFound, Existed: true}}, "marker vanished, not by the controller"},
		{Event{Kind: KindMarker, Marker: &Marker{Op: OpFound, Present: true}}, "marker appeared or changed, not by the controller"},
		{Event{Kind: KindTurn, Turn: &Turn{ID: "t", Phase: TurnSent, Ingress: "chat", Reused: true, Purpose: "late"}}, "turn t sent to chat on a connection opened earlier (late)"},
		{Event{Kind: KindTurn, Turn: &Turn{ID: "t", Phase: TurnEnded, Outcome: Refused, Status: 503, Code: "draining"}}, `turn t ended: refused, status 503, code "draining"`},
		{Event{Kind: KindModel, Model: &Model{Turn: "t", Call: 1, Phase: ModelCalled}}, "turn t reached the model"},
		{Event{Kind: KindModel, Model: &Model{Turn: "t", Call: 2, Phase: ModelGone}}, "turn t, call 2, was hung up on by the gateway, at the model"},
		{Event{Kind: KindModel, Model: &Model{Turn: "t", Call: 1, Phase: ModelEmitted, Bytes: 8}}, "turn t has the beginning of its reply from the model"},
		{Event{Kind: KindSession, Session: &Session{Name: "s\n", Turns: []string{"t"}}}, `the history of session "s\n" holds the turns [t]`},
		{Event{Kind: KindModel, Model: &Model{Auxiliary: true, Phase: ModelDone}}, "a call of no turn has its whole reply from the model"},
		{Event{Kind: KindProcess, Process: &Process{Phase: ProcessGone, PID: 4, ExitCode: &code}}, "gateway's process 4 is gone, exit code 0"},
		{Event{Kind: KindProcess, Process: &Process{Phase: ProcessListening, PID: 4, Port: 80, Inode: 6}}, "gateway's process 4: port 80 listening, socket 6"},
		{Event{Kind: KindAction, Action: &Action{Name: ActionRespawn}}, "harness: respawn"},
		{Event{Kind: KindAction, Action: &Action{Name: ActionExited, ExitCode: &code}}, "harness: exited, exit code 0"},
		{Event{Kind: KindMarker, Marker: &Marker{Op: OpBegin, How: "rename", Present: true, Expectation: Expectation{Silences: true}}}, "controller: begin, rename, asks that the shutdown be not announced"},
		{Event{Kind: KindNotice, Notice: &Notice{Method: "POST", Path: "/hook", Broadcast: true, Text: `"{}"`}}, `gateway announces its shutdown: POST "/hook", "{}"`},
		{Event{Kind: KindMemory, Memory: &Memory{PID: 7, Peak: 20 << 20}}, "gateway's process 7 had 20480 KiB of memory at the most"},
		{Event{Kind: KindNotice, Notice: &Notice{Method: "GET", Path: "/\n"}}, `gateway announces something that is no shutdown: GET "/\n", `},
		{Event{Kind: KindStall, Stall: &Stall{Late: 30 * time.Millisecond}}, "noise: the heartbeat came 30ms late"},
		{Event{Kind: KindLog, Log: &Log{Line: "\x1b[2J", Receipt: "status-only"}}, `gateway says (receipt of fault "status-only"): "\x1b[2J"`},
		{Event{Kind: KindOutcome, Outcome: &Outcome{Result: "failed", Message: "no"}}, `outcome: failed, "no"`},
		{Event{Kind: "odd"}, `broken event: kind "odd" is unknown`},
	} {
		if got := Describe(c.event); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := Line(Event{Seq: 3, Kind: KindStep, Call: 2e9, Return: 3e9, Step: &Step{Text: "begin"}}, 1e9); got != `  1.000000 ..   2.000000  #3  step: "begin"` {
		t.Errorf("got %q", got)
	}
}

// FuzzDecode wants whatever is accepted to come out the same once written again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(head + "\n" + one + "\n"))
	f.Add([]byte(head + "\n" + `{"seq":3,"kind":"state","call":1,"return":2,"state":{"publication":"file","state":"draining","count":-1}}`))
	f.Add([]byte("{\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := Decode(bytes.NewReader(data))
		if err != nil {
			var where *DecodeError
			if !errors.As(err, &where) || where.Line < 1 {
				t.Fatalf("an error without a line: %v", err)
			}
			return
		}
		var out bytes.Buffer
		w := newWriter("fuzz", &out, nil)
		for _, e := range events {
			_ = Describe(e)
			if _, err := w.Append(e); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(&out)
		if err != nil || len(again) != len(events) {
			t.Fatalf("written again, it reads as %d events, %v", len(again), err)
		}
	})
}
