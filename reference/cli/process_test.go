package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/model/modeltest"
	"github.com/drainproof/drainproof/reference/status"
)

// asGateway makes the test's own binary the gateway: real processes, nothing to build.
const asGateway = "DRAINPROOF_TEST_AS_GATEWAY"

func TestMain(m *testing.M) {
	if os.Getenv(asGateway) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is a gateway in a process of its own.
type process struct {
	t    testing.TB
	home string
	url  string
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	logs []string
}

func command(t testing.TB, home string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asGateway+"=1", "GATEWAY_HOME="+home, "MODEL_BASE_URL=", "GATEWAY_LISTEN=127.0.0.1:0")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// start runs a gateway and waits until it serves.
func start(t testing.TB, home string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, home: home, done: make(chan struct{})}
	p.cmd = command(t, home, env, append([]string{"run"}, args...)...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go p.read(stderr, address)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Logf("the gateway's log:\n%s", strings.Join(p.logs, "\n"))
		}
	})
	select {
	case at := <-address:
		p.url = "http://" + at
	case <-p.done:
		t.Fatal("the gateway ended before it served")
	case <-time.After(modeltest.Patience):
		t.Fatal("the gateway does not serve")
	}
	return p
}

func (p *process) read(stderr io.Reader, address chan<- string) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		p.mu.Lock()
		p.logs = append(p.logs, lines.Text())
		p.mu.Unlock()
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "the gateway serves" {
			address <- entry.Address
		}
	}
	_ = p.cmd.Wait()
	close(p.done)
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(modeltest.Patience):
		p.t.Fatal("the gateway does not end")
		return -1
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// awaitState waits until the state file says so.
func (p *process) awaitState(state string, count int) {
	p.t.Helper()
	var last status.Record
	eventually(p.t, func() bool {
		record, err := status.Load(p.home)
		if err != nil {
			p.t.Fatalf("a torn or missing state file: %v", err)
		}
		last = record
		return string(record.State) == state && record.ActiveAgents == count
	}, func() any { return last })
}

// eventually polls for what must become true.
func eventually(t testing.TB, check func() bool, last func() any) {
	t.Helper()
	deadline := time.After(modeltest.Patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !check() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never came about; last seen: %+v", last())
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// chat sends a turn and returns where its answer will be.
func (p *process) chat(text string, header ...string) <-chan answer {
	return send(p.url, text, false, header...)
}

func send(url, text string, stream bool, header ...string) <-chan answer {
	answers := make(chan answer, 1)
	body, _ := json.Marshal(map[string]any{"stream": stream, "messages": []any{map[string]any{"role": "user", "content": text}}})
	go func() {
		request, err := http.NewRequest(http.MethodPost, url+"/v1/chat/completions", strings.NewReader(string(body)))
		if err != nil {
			answers <- answer{err: err}
			return
		}
		for i := 0; i+1 < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		answers <- answer{response.StatusCode, response.Header, string(content), err}
	}()
	return answers
}

func await(t *testing.T, answers <-chan answer) answer {
	t.Helper()
	select {
	case a := <-answers:
		return a
	case <-time.After(modeltest.Patience):
		t.Fatal("no answer")
		return answer{}
	}
}

// execute runs a command to its end.
func execute(t *testing.T, home string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return executeWith(t, home, nil, args...)
}

func executeWith(t *testing.T, home string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, home, env, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(modeltest.Patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the exit code is what counts
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
