package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/model/modeltest"
	"github.com/drainproof/drainproof/reference/status"
)

// message is the body of a turn.
func message(text string) map[string]any {
	return map[string]any{"messages": []any{map[string]any{"role": "user", "content": text}}}
}

// call makes a request with a JSON body and returns its answer.
func (p *process) call(method, path string, body any, header ...string) answer {
	p.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(string(content)))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(said), err}
}

// accepted makes a request that is to be answered with 202, and returns the ID.
func (p *process) accepted(method, path string, body any, header ...string) (id, status string) {
	p.t.Helper()
	a := p.call(method, path, body, header...)
	var said struct{ ID, Status string }
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != http.StatusAccepted || said.ID == "" {
		p.t.Fatalf("%s %s: not accepted: %+v", method, path, a)
	}
	return said.ID, said.Status
}

// awaitRun waits until a run has a status, and returns its output.
func (p *process) awaitRun(id, status string) string {
	p.t.Helper()
	var last answer
	var said struct{ Status, Output string }
	eventually(p.t, func() bool {
		last = p.call(http.MethodGet, "/v1/runs/"+id, nil)
		return json.Unmarshal([]byte(last.body), &said) == nil && said.Status == status
	}, func() any { return last })
	return said.Output
}

// A run is gated and counted like a turn whose client waits, and counts until its
// result can be read (GATE-009, COUNT-005).
func TestRuns(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
	id, status := p.accepted(http.MethodPost, "/v1/runs", message("one"), "X-Session-Id", "s")
	call := m.Next(t)
	if status != "in_progress" {
		t.Errorf("accepted as %s", status)
	}
	if busy := p.call(http.MethodPost, "/v1/runs", message("two"), "X-Session-Id", "s"); busy.status != http.StatusConflict {
		t.Errorf("a second run of a busy session: %+v", busy)
	}
	begin(t, p.home)
	p.awaitState("draining", 1)
	refused := p.call(http.MethodPost, "/v1/runs", message("refused"))
	if refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") != "1" || !strings.Contains(refused.body, `"gateway_draining"`) {
		t.Errorf("want a refusal, got %+v", refused)
	}
	p.awaitRun(id, "in_progress")
	call.Reply("eins")
	p.awaitState("draining", 0)
	if a := p.call(http.MethodGet, "/v1/runs/"+id, nil); !strings.Contains(a.body, `"completed"`) || !strings.Contains(a.body, `"eins"`) {
		t.Errorf("counted out before its result can be read: %+v", a)
	}
	cancel(t, p.home)
	p.awaitState("running", 0)

	failing, _ := p.accepted(http.MethodPost, "/v1/runs", message("fails"))
	m.Next(t).Fail(http.StatusInternalServerError)
	p.awaitRun(failing, "failed")
	p.awaitState("running", 0)

	if a := p.call(http.MethodGet, "/v1/runs/run-none", nil); a.status != http.StatusNotFound {
		t.Errorf("an unknown run: %+v", a)
	}
	if a := p.call(http.MethodPost, "/v1/runs", map[string]any{}); a.status != http.StatusBadRequest {
		t.Errorf("a run without messages: %+v", a)
	}
	if want := 2; m.Count() != want {
		t.Errorf("the model was called %d times for %d runs", m.Count(), want)
	}
	p.signal(syscall.SIGKILL)
	p.exit()
	p = start(t, p.home, []string{"MODEL_BASE_URL=" + m.URL})
	if got := p.awaitRun(id, "completed"); got != "eins" {
		t.Errorf("after a restart the output is %q", got)
	}
}

// texts is what a call of the model was asked.
func texts(call *modeltest.Call) string {
	var all []string
	for _, message := range call.Messages {
		all = append(all, message.Role+":"+message.Content)
	}
	return strings.Join(all, " ")
}

// Turns cut off by a SIGKILL are run again, once, and counted, also in a drain
// (RESTART-004, GATE-007).
func TestRecovery(t *testing.T) {
	m := modeltest.New(t)
	dir := t.TempDir()
	env := []string{"MODEL_BASE_URL=" + m.URL}
	p := start(t, dir, env)
	before := p.chat("before", "X-Session-Id", "s")
	m.Next(t).Reply("done")
	await(t, before)
	p.chat("cut", "X-Session-Id", "s")
	m.Next(t)
	id, _ := p.accepted(http.MethodPost, "/v1/runs", message("cut as well"))
	m.Next(t)
	p.chat("nobody is owed this")
	m.Next(t)
	begin(t, dir)
	p.awaitState("draining", 3)
	p.signal(syscall.SIGKILL)
	p.exit()

	// A replay that is cut off is owed again.
	for range 2 {
		p = start(t, dir, env)
		if record, err := status.Load(dir); err != nil || record.State != lifecycle.Draining || record.ActiveAgents != 2 {
			t.Fatalf("served with %+v %v", record, err)
		}
		replays := map[string]*modeltest.Call{}
		for range 2 {
			call := m.Next(t)
			replays[texts(call)] = call
		}
		if replays["user:before assistant:done user:cut"] == nil || replays["user:cut as well"] == nil {
			t.Fatalf("replayed: %v", replays)
		}
		p.awaitRun(id, "in_progress")
		if a := await(t, p.chat("new")); a.status != http.StatusServiceUnavailable {
			t.Errorf("a new turn got in with the replays: %+v", a)
		}
		p.signal(syscall.SIGKILL)
		p.exit()
	}
	p = start(t, dir, env)
	for range 2 {
		m.Next(t).Reply("at last")
	}
	if got := p.awaitRun(id, "completed"); got != "at last" {
		t.Errorf("the run's output is %q", got)
	}
	p.awaitState("draining", 0)
	p.signal(syscall.SIGKILL)
	p.exit()

	count := m.Count()
	p = start(t, dir, env)
	p.awaitState("draining", 0)
	cancel(t, dir)
	p.awaitState("running", 0)
	next := p.chat("next", "X-Session-Id", "s")
	call := m.Next(t)
	if got := texts(call); got != "user:before assistant:done user:cut assistant:at last user:next" || m.Count() != count+1 {
		t.Errorf("after the replay the model was asked %q, in %d calls", got, m.Count()-count)
	}
	call.Reply("x")
	await(t, next)
}

// A turn that a shutdown interrupted is owed; one that its client gave up is not
// (SHUTDOWN-002).
func TestInterruptedTurnIsOwed(t *testing.T) {
	m := modeltest.New(t)
	dir := t.TempDir()
	env := []string{"MODEL_BASE_URL=" + m.URL}
	p := start(t, dir, env, "--shutdown-timeout", "50ms")
	failed := p.chat("fails", "X-Session-Id", "a")
	m.Next(t).Fail(http.StatusInternalServerError)
	await(t, failed)
	held := p.chat("held", "X-Session-Id", "b")
	m.Next(t)
	p.signal(syscall.SIGTERM)
	if a := await(t, held); !strings.Contains(a.body, "turn_interrupted") {
		t.Errorf("the interrupted turn: %+v", a)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	count := m.Count()
	p = start(t, dir, env)
	call := m.Next(t)
	if got := texts(call); got != "user:held" || m.Count() != count+1 {
		t.Errorf("replayed %q, in %d calls", got, m.Count()-count)
	}
	call.Reply("x")
	p.awaitState("running", 0)
}

// A message to a busy session waits for that session's turn; a drain holds it back,
// and no end of the process loses it (GATE-006).
func TestFollowUps(t *testing.T) {
	m := modeltest.New(t)
	dir := t.TempDir()
	env := []string{"MODEL_BASE_URL=" + m.URL, "GATEWAY_FOLLOWUP=queue"}
	p := start(t, dir, env)
	first := p.chat("one", "X-Session-Id", "s")
	call := m.Next(t)
	second, status := p.accepted(http.MethodPost, "/v1/chat/completions", message("two"), "X-Session-Id", "s")
	if status != "queued" {
		t.Errorf("acknowledged as %s", status)
	}
	third, _ := p.accepted(http.MethodPost, "/v1/runs", message("three"), "X-Session-Id", "s")
	p.awaitState("running", 1)
	call.Reply("eins")
	await(t, first)
	call = m.Next(t)
	if got := texts(call); got != "user:one assistant:eins user:two" {
		t.Errorf("the follow-up asked %q", got)
	}
	begin(t, dir)
	p.awaitState("draining", 1)
	if a := p.call(http.MethodPost, "/v1/runs", message("late"), "X-Session-Id", "s"); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"gateway_draining"`) {
		t.Errorf("a follow-up during the drain: %+v", a)
	}
	call.Reply("zwei")
	p.awaitRun(second, "completed")
	p.awaitState("draining", 0)
	p.awaitRun(third, "queued")
	p.signal(syscall.SIGKILL)
	p.exit()

	p = start(t, dir, env)
	p.awaitRun(third, "queued")
	if m.Count() != 2 {
		t.Fatalf("a follow-up started during the drain: %d calls", m.Count())
	}
	cancel(t, dir)
	call = m.Next(t)
	if got := texts(call); got != "user:one assistant:eins user:two assistant:zwei user:three" {
		t.Errorf("after the cancel the model was asked %q", got)
	}
	p.awaitState("running", 1)
	call.Reply("drei")
	if got := p.awaitRun(third, "completed"); got != "drei" {
		t.Errorf("its output is %q", got)
	}
	p.awaitState("running", 0)
	said := p.call(http.MethodGet, "/v1/sessions/s", nil)
	for text, want := range map[string]bool{"one": true, "zwei": true, "three": true, "late": false} {
		if strings.Contains(said.body, `"content":"`+text+`"`) != want {
			t.Errorf("is %q in the session: want %t; it holds %s", text, want, said.body)
		}
	}
	if a := p.call(http.MethodGet, "/v1/sessions/nobody", nil); a.status != http.StatusOK || !strings.Contains(a.body, `"messages":[]`) {
		t.Errorf("a session nobody has used: %+v", a)
	}
	if m.Count() != 3 {
		t.Errorf("%d calls for three turns", m.Count())
	}
}

// A turn may call the model several times, with tools in between; a drain does not
// hold its next call back (GATE-004), and the session remembers every step.
func TestTools(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream=%t", stream), func(t *testing.T) {
			m := modeltest.New(t)
			p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL, "GATEWAY_TOOLS=clock"})
			held := send(p.url, "what time is it", stream, "X-Session-Id", "s")
			call := m.Next(t)
			if !slices.Equal(call.Tools, []string{"clock"}) {
				t.Errorf("the model was offered %v", call.Tools)
			}
			begin(t, p.home)
			p.awaitState("draining", 1)
			call.CallTool("call-1", "clock", "{}")
			call = m.Next(t)
			if got := texts(call); !strings.HasPrefix(got, "user:what time is it assistant: tool:2") {
				t.Errorf("the second call asked %q", got)
			}
			call.CallTool("call-2", "hammer", "{}")
			call = m.Next(t)
			if got := texts(call); !strings.HasSuffix(got, `tool:error: there is no tool "hammer"`) {
				t.Errorf("the third call asked %q", got)
			}
			p.awaitState("draining", 1)
			call.Reply("late")
			if a := await(t, held); a.status != http.StatusOK || !strings.Contains(a.body, "late") {
				t.Errorf("the turn: %+v", a)
			}
			p.awaitState("draining", 0)
			cancel(t, p.home)
			p.awaitState("running", 0)
			next := p.chat("next", "X-Session-Id", "s")
			call = m.Next(t)
			if len(call.Messages) != 7 {
				t.Errorf("the session remembers %q", texts(call))
			}
			call.Reply("x")
			await(t, next)
		})
	}
}

// The end of a background job leads to a turn of its session, also in a drain, after
// a SIGKILL, and once (GATE-007).
func TestBackgroundJobs(t *testing.T) {
	m := modeltest.New(t)
	dir := t.TempDir()
	env := []string{"MODEL_BASE_URL=" + m.URL, "GATEWAY_TOOLS=background_job"}
	p := start(t, dir, env)
	first := p.chat("go", "X-Session-Id", "s")
	m.Next(t).CallTool("call-1", "background_job", `{"name":"b1","task":"render"}`)
	call := m.Next(t)
	if got := texts(call); !strings.HasSuffix(got, "tool:started b1; you are told when it is done") {
		t.Errorf("the model was told %q", got)
	}
	call.Reply("started")
	await(t, first)
	begin(t, dir)
	p.awaitState("draining", 0)
	p.signal(syscall.SIGKILL)
	p.exit()

	p = start(t, dir, env)
	if a := p.call(http.MethodGet, "/v1/background", nil); !strings.Contains(a.body, `"b1"`) {
		t.Errorf("going on: %+v", a)
	}
	id, _ := p.accepted(http.MethodPost, "/v1/background/b1/complete", map[string]any{"result": "a picture"})
	call = m.Next(t)
	if record, err := status.Load(dir); err != nil || record.ActiveAgents != 1 || record.State != lifecycle.Draining {
		t.Errorf("the model was called with %+v %v", record, err)
	}
	if got := texts(call); !strings.HasSuffix(got, "user:The background job b1 is done.\nTask: render\nResult: a picture") {
		t.Errorf("the model was asked %q", got)
	}
	if a := p.call(http.MethodPost, "/v1/background/b1/complete", nil); a.status != http.StatusNotFound {
		t.Errorf("done twice: %+v", a)
	}
	call.Reply("nice")
	if got := p.awaitRun(id, "completed"); got != "nice" {
		t.Errorf("its output is %q", got)
	}
	p.awaitState("draining", 0)
	if m.Count() != 3 {
		t.Errorf("%d calls", m.Count())
	}
}

// A job may also take a time of its own.
func TestBackgroundJobEndsByItself(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL, "GATEWAY_TOOLS=clock,background_job"})
	first := p.chat("go")
	m.Next(t).CallTool("call-1", "background_job", `{"task":"nap","seconds":0.01}`)
	for range 2 { // the turn goes on and the job's end is told, in either order
		call := m.Next(t)
		call.Reply("ok")
	}
	await(t, first)
	p.awaitState("running", 0)
}

// A job that falls due during a drain does not start, and runs once after the
// cancel; one that runs counts (SCHEDULED-001 to 003).
func TestJobs(t *testing.T) {
	m := modeltest.New(t)
	dir := t.TempDir()
	env := []string{"MODEL_BASE_URL=" + m.URL}
	p := start(t, dir, env)
	add := func(body map[string]any) string {
		t.Helper()
		a := p.call(http.MethodPost, "/v1/jobs", body, "X-Session-Id", "s")
		var said struct{ ID string }
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != http.StatusCreated {
			t.Fatalf("not kept: %+v", a)
		}
		return said.ID
	}
	lastRun := func(id string) (run string) {
		t.Helper()
		eventually(t, func() bool {
			a := p.call(http.MethodGet, "/v1/jobs/"+id, nil)
			var said struct {
				LastRun string `json:"last_run"`
			}
			_ = json.Unmarshal([]byte(a.body), &said)
			run = said.LastRun
			return run != ""
		}, func() any { return run })
		return run
	}
	once := add(map[string]any{"prompt": "once", "at": time.Now().Add(10 * time.Millisecond).Format(time.RFC3339Nano)})
	call := m.Next(t)
	begin(t, dir)
	p.awaitState("draining", 1)
	call.Reply("done")
	p.awaitRun(lastRun(once), "completed")
	p.awaitState("draining", 0)

	again := add(map[string]any{"prompt": "again", "every": "100ms"})
	waiting := lastRun(again)
	p.awaitRun(waiting, "queued")
	p.signal(syscall.SIGKILL)
	p.exit()
	p = start(t, dir, env)
	if m.Count() != 1 || lastRun(again) != waiting {
		t.Fatalf("during the drain it ran, or is to run twice: %d calls", m.Count())
	}
	cancel(t, dir)
	call = m.Next(t)
	if got := texts(call); got != "user:once assistant:done user:again" {
		t.Errorf("the job asked %q", got)
	}
	if a := p.call(http.MethodDelete, "/v1/jobs/"+again, nil); a.status != http.StatusNoContent {
		t.Errorf("not removed: %+v", a)
	}
	call.Reply("done")
	p.awaitRun(waiting, "completed")
	p.awaitState("running", 0)
	if m.Count() != 2 {
		t.Errorf("%d calls for two turns", m.Count())
	}
	for _, body := range []map[string]any{{}, {"prompt": "x"}, {"prompt": "x", "at": "soon"}, {"prompt": "x", "every": "1ms"}, {"every": "1h"}} {
		if a := p.call(http.MethodPost, "/v1/jobs", body); a.status != http.StatusBadRequest {
			t.Errorf("%v: %+v", body, a)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if a := p.call(method, "/v1/jobs/"+again, nil); a.status != http.StatusNotFound {
			t.Errorf("%s of a job that is gone: %+v", method, a)
		}
	}
}
