package factory

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/docker"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// TestReferenceInEveryRuntime: the real probe and the reference gateway, from
// the published target file, come up, are respawned and recreated in each
// runtime. Behind the interface a spec cannot tell them apart.
func TestReferenceInEveryRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the project's binaries")
	}
	root, err := artifact.FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	tg, err := target.Load(filepath.Join(root, "fixtures", "targets", "reference.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			r, err := New(ctx, name, Options{RunID: "test-reference-" + name, Root: root, Progress: func(s string) { t.Log(s) }})
			var none *docker.EngineError
			if errors.As(err, &none) && os.Getenv("DRAINPROOF_RUNTIME") != docker.Name {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := r.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			prepared, err := r.Prepare(ctx, tg)
			if err != nil {
				t.Fatal(err)
			}
			// Prepared is plain data: another process may have made it.
			data, err := json.Marshal(prepared)
			if err != nil {
				t.Fatal(err)
			}
			prepared = runtime.Prepared{}
			if err := json.Unmarshal(data, &prepared); err != nil {
				t.Fatal(err)
			}
			pod, err := r.NewPod(ctx, tg, prepared, runtime.PodOptions{Name: t.Name()})
			if err != nil {
				t.Fatal(err)
			}
			probe := greet(t, pod)
			start(t, probe, pod, pod.StartGateway)
			if err := pod.Signal(ctx, "TERM"); err != nil {
				t.Fatal(err)
			}
			if code, err := pod.WaitGateway(ctx); code != 0 || err != nil {
				t.Errorf("after SIGTERM it ended with %d, %v", code, err)
			}
			start(t, probe, pod, pod.Respawn)
			if err := pod.Signal(ctx, "KILL"); err != nil {
				t.Fatal(err)
			}
			if code, err := pod.WaitGateway(ctx); code != 137 || err != nil {
				t.Errorf("after SIGKILL it ended with %d, %v", code, err)
			}
			if err := pod.Recreate(ctx); err != nil {
				t.Fatal(err)
			}
			_ = probe.Close()
			start(t, greet(t, pod), pod, pod.StartGateway)
			if err := pod.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// greet opens a conversation with the pod's probe and has it prepare the home.
func greet(t *testing.T, pod runtime.Pod) *wire.Client {
	t.Helper()
	client := wire.NewClient(pod.Probe(), func(history.Event) {})
	t.Cleanup(func() { _ = client.Close() })
	r := pod.Resolved()
	if err := client.Call(t.Context(), wire.VerbHello, wire.HelloParams{Version: wire.Version}, nil); err != nil {
		t.Fatal(err)
	}
	err := client.Call(t.Context(), wire.VerbConfigure, wire.ConfigureParams{
		Home: r.Home, UID: r.UID, GID: r.GID, Marker: r.Marker, ModelAddress: r.ModelAddress, Bound: 2 * time.Second,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// start launches the gateway, finds its process, and waits until it is ready.
func start(t *testing.T, probe *wire.Client, pod runtime.Pod, launch func(context.Context) error) {
	t.Helper()
	if err := launch(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seen wire.WatchResult
	if err := probe.Call(t.Context(), wire.VerbWatch, wire.WatchParams{PID: pod.GatewayPID(), Within: 20 * time.Second}, &seen); err != nil {
		t.Fatal(err)
	}
	var ready wire.ReadyResult
	err := probe.Call(t.Context(), wire.VerbReady, wire.ReadyParams{URL: pod.Resolved().Expand(pod.Resolved().Target.Ready.URL), Within: 20 * time.Second}, &ready)
	if err != nil || !ready.Ready {
		logs, _ := pod.Logs(context.Background(), 10)
		t.Fatalf("not ready: %+v, %v; the gateway's last lines: %q", ready, err, logs)
	}
}
