package target_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/target"
)

const reference = "../../fixtures/targets/reference.yaml"

func TestReferenceTarget(t *testing.T) {
	got, err := target.Load(reference)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "reference" || got.Capacity != 200 || got.Bounds.Observe != 2*time.Second ||
		got.Ready.Within != 15*time.Second || got.Shutdown.Deadline != 20*time.Second ||
		got.Home.Marker != ".drain_request.json" || got.Model.Port != 9471 || len(got.SHA256) != 64 {
		t.Errorf("wrong values or defaults: %+v", got)
	}
	if len(got.Ingresses) != 3 || got.Ingresses[0].Stream || !got.Ingresses[1].Stream ||
		got.Ingresses[0].Refused[0].JSON["error.code"] != "^gateway_draining$" {
		t.Errorf("ingresses: %+v", got.Ingresses)
	}
	if p := got.Publications[0]; p.State != "gateway_state" || p.Count != "active_agents" || p.States["draining"] != "draining" || len(p.States) != 5 {
		t.Errorf("publication: %+v", p)
	}
	if !got.Declares("sessions") || got.Declares("no-such-feature") {
		t.Errorf("features: %v", got.Features)
	}
	if p := got.Publications[1]; p.Busy != "gateway_busy" || p.Drainable != "gateway_drainable" || got.Publications[0].Busy != "" {
		t.Errorf("publications: %+v", got.Publications)
	}
	if c := got.Control; c.Method != "POST" || c.Drain != target.DefaultDrain || c.Cancel != target.DefaultCancel || c.HeaderWith("x")["Authorization"] != "Bearer x" || len(c.HeaderWith("")) != 0 {
		t.Errorf("control: %+v", c)
	}
	if got.Epoch == nil || len(got.Epoch.Command) == 0 || len(got.Epoch.Process) == 0 || got.Expiry.MaxAge != time.Hour {
		t.Errorf("epoch %+v, expiry %+v", got.Epoch, got.Expiry)
	}
	if len(got.Secrets) != 2 || got.Env[got.Secrets[0]] == "" {
		t.Errorf("secrets: %v", got.Secrets)
	}
	if p := got.Rel(got.Image.Recipe); filepath.Clean(p) != filepath.Clean("../../fixtures/images/reference.yaml") {
		t.Errorf("recipe at %s", p)
	}
}

// A target crosses process borders as JSON; nothing may get lost on the way.
func TestTargetSurvivesJSON(t *testing.T) {
	for _, file := range []string{reference, "testdata/full.yaml"} {
		survivesJSON(t, file)
	}
}

func survivesJSON(t *testing.T, file string) {
	t.Helper()
	want, err := target.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got target.Target
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	got.Path, got.SHA256 = want.Path, want.SHA256
	if !reflect.DeepEqual(want, &got) {
		t.Errorf("lost on the way:\nwant %+v\ngot  %+v", want, got)
	}
}

func TestFeaturesMatchSchema(t *testing.T) {
	var schema struct {
		Properties struct {
			Features struct {
				Items struct {
					Enum []string `json:"enum"`
				} `json:"items"`
			} `json:"features"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(target.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(schema.Properties.Features.Items.Enum, target.Features()) {
		t.Errorf("schema %v, code %v", schema.Properties.Features.Items.Enum, target.Features())
	}
}

func TestFullTarget(t *testing.T) {
	got, err := target.Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s := got.Sessions; s.Followup != target.FollowupQueue || s.History.Method != "GET" || s.Messages != "messages" {
		t.Errorf("sessions: %+v", s)
	}
	if p := got.Ingresses[1].Poll; p == nil || p.ID != "run_id" || p.Reply != "output.text" || len(p.Failed) != 2 {
		t.Errorf("poll: %+v", p)
	}
	if i := got.Init; i == nil || i.User != "1001:1001" || len(i.Respawn) != 4 || len(i.Leave) != 2 || len(i.Exit) != 2 || !got.Respawns() {
		t.Errorf("init: %+v", i)
	}
	if len(got.Sidecars) != 2 || got.Sidecars[0].Inside || !got.Sidecars[1].Inside {
		t.Errorf("room for later families is lost: %+v", got)
	}
	if c := got.Control; c.Method != "PUT" || c.Cancel != "cancel" || c.Header["X-Token"] != "{{token}}" || c.Idle[0].Status != 204 {
		t.Errorf("control: %+v", c)
	}
	if got.Publications[1].Busy != "status.busy" || got.Publications[1].Drainable != "status.drainable" {
		t.Errorf("publication: %+v", got.Publications[1])
	}
	if got.Expiry.MaxAge != 30*time.Minute || got.Epoch.Command[0] != "/gateway" {
		t.Errorf("epoch %+v, expiry %+v", got.Epoch, got.Expiry)
	}
	if got.Tools.Name != "echo" || got.Tools.CallsPerTurn != 3 || got.Tools.Arguments["text"] != "hello" || !got.Ingresses[0].Durable {
		t.Errorf("tools: %+v", got.Tools)
	}
	if j := got.Jobs; j.Soonest != 2*time.Second || j.Late != 500*time.Millisecond || j.Create.Method != "POST" || !strings.Contains(j.Create.Body, "{{prompt}}") {
		t.Errorf("jobs: %+v", j)
	}
	if b := got.Background; b.Tool.Name != "spawn" || b.Tool.Arguments["id"] != "{{job}}" || b.Complete.Method != "POST" {
		t.Errorf("background: %+v", b)
	}
	if n := got.Notify; n.Port != 9001 || len(n.Broadcast) != 1 || n.Broadcast[0].Header["X-Event"] != "^bye$" {
		t.Errorf("notify: %+v", n)
	}
	if got.Publications[1].States["quiescing"] != "draining" {
		t.Errorf("states: %+v", got.Publications[1])
	}
}

// The short deadline changes how one spec runs the target, and nothing else of it.
func TestShortDeadline(t *testing.T) {
	full, err := target.Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before := maps.Clone(full.Env)
	short := full.WithShortDeadline()
	if short.Shutdown.Deadline != 2*time.Second || short.Env["GRACE"] != "2s" || short.Env["TOKEN"] != "{{notify_url}}" {
		t.Errorf("short: %+v, env %v", short.Shutdown, short.Env)
	}
	if full.Shutdown.Deadline != 90*time.Second || !maps.Equal(full.Env, before) {
		t.Errorf("the target itself was changed: %+v, env %v", full.Shutdown, full.Env)
	}
	if again := short.WithShortDeadline(); again != short {
		t.Error("without a short deadline the target stays as it is")
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no corpus", err)
	}
	for _, file := range append(files, reference, "testdata/full.yaml") {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := target.Parse("fuzz.yaml", raw)
		if err == nil {
			if len(got.Ingresses) == 0 || len(got.Publications) == 0 || got.Bounds.Observe <= 0 {
				t.Fatalf("accepted an unusable target: %+v", got)
			}
			return
		}
		problems, ok := err.(target.Errors)
		if !ok || len(problems) == 0 {
			t.Fatalf("error is %T %v, want Errors", err, err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 || p.What == "" || p.Next == "" {
				t.Fatalf("incomplete problem: %+v", p)
			}
		}
	})
}

// The hash in a report must be one that anybody can compute from the file.
func TestHashIsOfTheFileAsItIs(t *testing.T) {
	raw, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	raw = []byte(strings.Replace(string(raw), "example/gateway:1", "{{env.DRAINPROOF_TEST_IMAGE}}", 1))
	path := filepath.Join(t.TempDir(), "t.yaml")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DRAINPROOF_TEST_IMAGE", "mine:7")
	got, err := target.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(raw); got.Image.Name != "mine:7" || got.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("image %s, hash %s", got.Image.Name, got.SHA256)
	}
}
