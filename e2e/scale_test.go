package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// told is what a report says of a run, as far as two runs of the same seed agree on it.
type told struct {
	verdict, profile string
	exit             float64
	certifies        bool
	shard            any
	requirements     map[string]string // ID -> verdict
	checks           []string          // text, what it is bound to, and how it ended
}

func tell(t *testing.T, dir string) told {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Verdict, Profile string
		Exit             float64
		Certifies        bool
		Shard            any
		Requirements     []struct{ ID, Verdict string }
		Specs            []struct {
			Text, Result, File string
			Requirements       []string
		}
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	all := told{r.Verdict, r.Profile, r.Exit, r.Certifies, r.Shard, map[string]string{}, nil}
	for _, q := range r.Requirements {
		all.requirements[q.ID] = q.Verdict
	}
	for _, s := range r.Specs {
		all.checks = append(all.checks, fmt.Sprintf("%s %s %s %v", s.Text, s.Result, s.File, s.Requirements))
	}
	return all
}

// inParts runs a gate in n parts, two at a time, and returns their folders.
func inParts(t *testing.T, n int, seed string) []string {
	t.Helper()
	dirs := make([]string, n)
	results := make([]result, n)
	var all sync.WaitGroup
	turn := make(chan struct{}, 2)
	for i := range n {
		dirs[i] = filepath.Join(t.TempDir(), "part-"+strconv.Itoa(i+1))
		cmd := command(t, "gate", "--runtime", runtimeUnderTest(), "--quiet", "--shard", fmt.Sprintf("%d/%d", i+1, n), "--seed", seed, "--report", dirs[i])
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			_ = cmd.Run() // how it ended is in its exit code
			results[i] = result{out.String(), cmd.ProcessState.ExitCode()}
		})
	}
	all.Wait()
	for i, r := range results {
		// Alone, a part may be incomplete: what it asks for may arise in another one.
		if r.code != 0 && r.code != 3 {
			t.Fatalf("part %d: exit code %d\n%s", i+1, r.code, r.out)
		}
		if !strings.Contains(r.out, fmt.Sprintf("it is part %d of %d of a run", i+1, n)) && r.code == 0 {
			t.Errorf("part %d does not say what it is:\n%s", i+1, r.out)
		}
	}
	return dirs
}

// The parts of a run, merged, are the run: the same checks, the same verdicts, the same
// exit code. What is no whole is never taken for one.
func TestPartsMergeIntoTheWholeRun(t *testing.T) {
	needTime(t, 30*time.Second)
	const seed = "7"
	whole := gate(t, "--seed", seed, "--report", report(t), "--retry-incomplete", "2", "--quiet")
	whole.must(t, 0)
	want := tell(t, whole.last(t)["folder"].(string))

	var parts []string
	var merged string
	var joined result
	for range 2 { // what the noise of the machine leaves without a verdict is tried again
		parts, merged = inParts(t, 4, seed), report(t)
		if joined = drainproof(t, append([]string{"merge", "--report", merged}, parts...)...); joined.code != 3 {
			break
		}
		t.Logf("incomplete:\n%s", joined.out)
	}
	joined.must(t, 0, "a. observe", "4 parts: the longest took")
	got := tell(t, merged)
	if !maps.Equal(got.requirements, want.requirements) || !slices.Equal(got.checks, want.checks) {
		t.Errorf("merged\n%v\n%q\nwhole\n%v\n%q", got.requirements, got.checks, want.requirements, want.checks)
	}
	if got.verdict != want.verdict || got.profile != want.profile || got.exit != want.exit || got.certifies != want.certifies || got.shard != nil {
		t.Errorf("merged %+v\nwhole %+v", got, want)
	}
	if runtimeUnderTest() == "docker" {
		if !got.certifies {
			t.Error("a merged run of all parts does not certify")
		}
		key, signed := filepath.Join(t.TempDir(), "vendor.key"), report(t)
		drainproof(t, "key", "new", key).must(t, 0)
		drainproof(t, append([]string{"merge", "--report", signed, "--key", key}, parts...)...).must(t, 0, "key ID")
		drainproof(t, "verify", signed, "--trusted-key", key+".pub").must(t, 0, "same verdict", "signed by")
	}
	drainproof(t, "verify", merged).must(t, 0, "same verdict")
	checks := 0
	for i, dir := range parts {
		part := tell(t, dir)
		checks += len(part.checks)
		if part.certifies || part.verdict == "conformant" || fmt.Sprint(part.shard) != fmt.Sprintf("map[index:%d of:4]", i+1) {
			t.Errorf("part %d: %+v", i+1, part)
		}
		drainproof(t, "verify", dir).must(t, 0, "same verdict")
	}
	if checks != len(want.checks) {
		t.Errorf("the parts have %d checks, the whole has %d", checks, len(want.checks))
	}

	merge := func(dirs ...string) result {
		return drainproof(t, append([]string{"merge", "--report", report(t)}, dirs...)...)
	}
	missing := merge(parts[0], parts[1], parts[3])
	missing.must(t, 3, "INCOMPLETE", "part 3 of 4 is missing", "DRAINPROOF_RESULT")
	drainproof(t, "verify", missing.last(t)["folder"].(string)).must(t, 0, "same verdict")
	merge(parts[0], parts[1], parts[2], parts[1], parts[3]).must(t, 3, "INCOMPLETE", "part 2 of 4 is there more than once")
	merge(parts[0], merged).must(t, 2, "is no part of a run")
	merge(parts[0], t.TempDir()).must(t, 2, "no report can be read")
	drainproof(t, "merge", parts[0], "--report", merged).must(t, 2, "is not empty")

	other := filepath.Join(t.TempDir(), "other")
	if r := gate(t, "--quiet", "--shard", "2/4", "--seed", "8", "--report", other); r.code != 0 && r.code != 3 {
		r.must(t, 0)
	}
	merge(parts[0], other).must(t, 2, "are parts of different runs: the seed is 7 in one and 8 in the other")

	histories, err := filepath.Glob(filepath.Join(parts[0], "histories", "*.jsonl"))
	if err != nil || len(histories) == 0 {
		t.Fatalf("%v, %v", histories, err)
	}
	data, err := os.ReadFile(histories[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(histories[0], bytes.Replace(data, []byte(`"running"`), []byte(`"stopped"`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	merge(parts...).must(t, 2, "was changed since its part was run")
}

// An engine that is reached by ssh does: here the other machine is this one.
func TestGateOverSSH(t *testing.T) {
	needEngine(t)
	if _, err := os.Stat(engineSocket); err != nil {
		t.Skipf("no engine listens at %s", engineSocket)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\nunset DOCKER_HOST\nexec docker --host unix://" + engineSocket + " system dial-stdio\n"
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("DOCKER_HOST", "ssh://me@far")
	folder := report(t)
	gate(t, "--label-filter", "point:a", "--report", folder, "--retry-incomplete", "2").must(t, 0, `"verdict":"passed, not certifying"`)
	t.Setenv("DOCKER_HOST", "unix://"+engineSocket)
	if ids := left(t); len(ids) > 0 {
		t.Errorf("left behind: %v", ids)
	}
}

// Manifests are rendered for other systems; what they need to know is asked for.
func TestManifests(t *testing.T) {
	drainproof(t, "manifest", "github", "--shards", "3").must(t, 0, "part: [ 1, 2, 3 ]", "UNTRIED")
	edge := variant(t, "recipe: ../images/reference.yaml", "name: edge:1")
	drainproof(t, "manifest", "kubernetes", "--target", edge, "--docker-host", "tcp://engine:2376").must(t, 0, "completionMode: Indexed", "--shard=job/4", "UNTRIED", "name: edge:1")
	drainproof(t, "manifest", "kubernetes", "--target", edge, "--layout", "process").must(t, 0, `image: "edge:1"`, "shareProcessNamespace: true", "NEVER CERTIFIES")
	drainproof(t, "manifest", "kubernetes", "--target", edge, "--layout", "sidecar").must(t, 0, "suspend: true", "name: probe", "mountPath: \"/home/gateway/state\"")
	for want, args := range map[string][]string{
		"where its engine is":        {"--target", edge},
		"there is no image.name":     {"--target", filepath.Join("fixtures", "targets", "reference.yaml"), "--docker-host", "tcp://e:1"},
		"nowhere.yaml":               {"--target", "nowhere.yaml"},
		"use one of engine, process": {"--target", edge, "--layout", "pod"},
		"is not the image that":      {"--target", edge, "--docker-host", "tcp://e:1", "--gateway-image", "edge:2"},
	} {
		drainproof(t, append([]string{"manifest", "kubernetes"}, args...)...).must(t, 2, want)
	}
}
