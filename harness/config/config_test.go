package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The file at the repository's root is what most people run with.
func TestPublishedConfiguration(t *testing.T) {
	c, err := config.LoadEnv("../../ginkgo.yaml", env())
	if err != nil {
		t.Fatal(err)
	}
	root, _ := filepath.Abs("../..")
	if c.Target != filepath.Join(root, "fixtures/targets/reference.yaml") || c.Report.Dir != filepath.Join(root, "reports") ||
		c.Markers != filepath.Join(root, "fixtures/markers/catalogue.yaml") {
		t.Errorf("paths are not relative to the file: %s, %s, %s", c.Target, c.Report.Dir, c.Markers)
	}
	if c.Runtime != config.RuntimeDocker || c.Seed != 0 || c.Repeat() != (config.Repetitions{Drains: 10, Sweeps: 3, Refusals: 5, Reverts: 5, Rewrites: 5, Restarts: 2}) ||
		c.Runner.Timeout != 10*time.Minute || c.Runner.SpecTimeout != 2*time.Minute || c.Report.Keep != 10 {
		t.Errorf("%+v", c)
	}
	if want := (config.Compare{Alpha: 0.01, Effect: 0.71, Ratio: 1.5, Shift: 50 * time.Millisecond, Memory: 16, Noise: 0.5}); c.Compare != want {
		t.Errorf("compare: %+v", c.Compare)
	}
	if why := c.WhyNotCertifying(); len(why) != 0 {
		t.Errorf("the published configuration does not certify: %v", why)
	}
}

// A level is a claim of how hard was looked: with less of it nothing is certified.
func TestFewerRepetitionsDoNotCertify(t *testing.T) {
	for text, want := range map[string]string{
		"level: certify\nrepetitions: {certify: {drains: 7, restarts: 1}}\n": "less often than the level certify stands for (drains 7, not 50; restarts 1, not 10; repetitions.certify in ginkgo.yaml)",
		"level: gate\nrepetitions: {certify: {drains: 7}}\n":                 "",
		"level: gate\nrepetitions: {gate: {drains: 700}}\n":                  "",
	} {
		c, err := config.LoadEnv(write(t, "target: t.yaml\n"+text), env())
		if err != nil {
			t.Fatal(err)
		}
		if why := strings.Join(c.WhyNotCertifying(), "; "); want == "" && why != "" || !strings.Contains(why, want) {
			t.Errorf("%q: got %q, want %q", text, why, want)
		}
	}
}

func TestDefaultsFillWhatIsLeftOut(t *testing.T) {
	c, err := config.LoadEnv(write(t, "target: t.yaml\nrepetitions: {certify: {drains: 7}}\nlevel: certify\nreport: {keep: 0}\n"), env())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(c.Path), "fixtures/markers/catalogue.yaml"); c.Markers != want {
		t.Errorf("markers are looked for in %s, not beside the file", c.Markers)
	}
	if got := c.Repeat(); got.Drains != 7 || got.Sweeps != 20 {
		t.Errorf("a level given in part loses the rest: %+v", got)
	}
	if c.Report.Keep != 0 {
		t.Errorf("keep: 0 became %d", c.Report.Keep)
	}
	c, err = config.LoadEnv(write(t, "target: t.yaml\ncompare: {shift: 5ms, effect: 1}\n"), env())
	if err != nil {
		t.Fatal(err)
	}
	if want := (config.Compare{Alpha: 0.01, Effect: 1, Ratio: 1.5, Shift: 5 * time.Millisecond, Memory: 16, Noise: 0.5}); c.Compare != want {
		t.Errorf("compare given in part loses the rest: %+v", c.Compare)
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	path := write(t, "target: t.yaml\nmarkers: m.yaml\nruntime: docker\nseed: 5\n")
	c, err := config.LoadEnv(path, env("DRAINPROOF_TARGET", "/x/o.yaml", "DRAINPROOF_MARKERS", "/x/m.yaml", "DRAINPROOF_RUNTIME", "process", "DRAINPROOF_SEED", "42", "DRAINPROOF_REPORT", "/r/run", "DRAINPROOF_OBSERVE", "500ms"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Target != "/x/o.yaml" || c.Markers != "/x/m.yaml" || c.Runtime != "process" || c.Seed != 42 || c.Report.Run != "/r/run" || c.Observe != 500*time.Millisecond {
		t.Errorf("%+v", c)
	}
	if got := strings.Join(c.Overrides, " "); got != "DRAINPROOF_MARKERS DRAINPROOF_OBSERVE DRAINPROOF_REPORT DRAINPROOF_RUNTIME DRAINPROOF_SEED DRAINPROOF_TARGET" {
		t.Errorf("overrides: %s", got)
	}
	if c, err = config.LoadEnv(path, env("DRAINPROOF_SEED", "")); err != nil || c.Seed != 5 || c.Markers != filepath.Join(filepath.Dir(path), "m.yaml") || c.Overrides != nil {
		t.Errorf("an empty variable is not unset: %+v, %v", c, err)
	}
}

func TestWrongConfigurations(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		env  []string
		want []string
	}{
		"empty":     {"", nil, []string{"FILE:1:1: the file is empty; start from a published example"}},
		"no target": {"runtime: docker\n", nil, []string{"FILE:1:1: no target is named; add target: PATH of a target file, or set DRAINPROOF_TARGET"}},
		"typos": {"target: a\nruntime: dokcer\nrunner:\n  proc: 2\n  timeout: 5\n", nil, []string{
			`FILE:2:10: runtime is "dokcer", which is not known here; did you mean "docker"? Known: docker, process`,
			`FILE:4:3: unknown field "proc" in runner; did you mean "procs"? Known: labelFilter, procs, specTimeout, timeout`,
			`FILE:5:12: runner.timeout is the number 5, not a string; add a unit, such as "5s" or "5ms"`,
		}},
		"zero": {"target: a\nobserve: 0s\nrepetitions: {gate: {drains: 0}}\n", nil, []string{
			`FILE:2:10: observe must be more than 0; write a duration such as "2s"`,
			`FILE:3:30: repetitions.gate.drains is 0, less than 1; needed: how often, at least once: what was never made can't be judged`,
		}},
		"spec beyond suite": {"target: a\nrunner: {timeout: 1m, specTimeout: 2m}\n", nil, []string{
			"FILE:2:36: one spec may take longer than the whole suite (runner.timeout 1m0s); lower it, or raise runner.timeout",
		}},
		"compare": {"target: a\ncompare:\n  alpha: 0\n  effect: 0.4\n  ratio: 0.9\n  shift: 0s\n  memory: 0\n  noise: 2\n  treshold: 1\n", nil, []string{
			`FILE:3:10: compare.alpha is 0, not more than 0; needed: a chance above 0 and up to 0.2; smaller calls fewer things worse`,
			`FILE:4:11: compare.effect is 0.4, less than 0.5; needed: a share from 0.5 (no difference) to 1 (always the worse one)`,
			`FILE:5:10: compare.ratio is 0.9, less than 1; needed: how many times the better median the worse one is, at least 1`,
			`FILE:6:10: compare.shift must be more than 0; write a duration such as "2s"`,
			`FILE:7:11: compare.memory is 0, less than 1; needed: by how many MiB the medians differ at least, 1 or more`,
			`FILE:8:10: compare.noise is 2, more than 1; needed: a share of a run's time, above 0 and up to 1`,
			`FILE:9:3: unknown field "treshold" in compare; known: alpha, effect, memory, noise, ratio, shift`,
		}},
		"level": {"target: a\nlevel: all\nrepetitions: {gates: {}}\n", nil, []string{
			`FILE:2:8: level is "all", which is not known here; known: gate, certify, audit`,
			`FILE:3:15: unknown field "gates" in repetitions; did you mean "gate"? Known: audit, certify, gate`,
		}},
		"environment too": {"target: a\nseed: -1\n", []string{"DRAINPROOF_SEED", "lucky", "DRAINPROOF_RUNTIME", "podman"}, []string{
			"FILE:2:7: seed is -1, less than 0; needed: a whole number; 0 takes it from the time",
			`environment: DRAINPROOF_RUNTIME: "podman" is no runtime; use docker or process`,
			`environment: DRAINPROOF_SEED: "lucky" is no seed; use a whole number, 0 or more`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, tc.text)
			_, err := config.LoadEnv(path, env(tc.env...))
			if err == nil {
				t.Fatal("accepted")
			}
			got := strings.ReplaceAll(err.Error(), path, "FILE")
			if want := strings.Join(tc.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(config.EnvConfig, "")
	t.Chdir(deep)
	if path, err := config.Find(); err == nil {
		t.Skipf("a folder above the temporary ones holds %s", path)
	} else if !strings.Contains(err.Error(), "there is no such file, here or in any folder above; start inside the checkout") {
		t.Errorf("%v", err)
	}
	want := filepath.Join(root, config.FileName)
	if err := os.WriteFile(want, []byte("target: t\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := config.Find(); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	t.Setenv(config.EnvConfig, "elsewhere.yaml")
	if got, err := config.Find(); err != nil || got != filepath.Join(deep, "elsewhere.yaml") {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := config.Open(); err == nil || !strings.Contains(err.Error(), "there is no such file; check the path") {
		t.Errorf("%v", err)
	}
}

func TestSeedFromTimeIsFixedOnce(t *testing.T) {
	c := config.Config{}
	a := c.ResolveSeed(time.Unix(1_700_000_000, 123_456_000))
	if a <= 0 || a > 1_000_000_000 || c.ResolveSeed(time.Unix(1, 0)) != a {
		t.Errorf("seed %d, then %d", a, c.Seed)
	}
}

func TestWhyNotCertifying(t *testing.T) {
	c := config.Config{Path: "/x/ginkgo.yaml", Runtime: "process", Observe: 3 * time.Second, Runner: config.Runner{LabelFilter: "a"}}
	if got := c.WhyNotCertifying(); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

func FuzzLoad(f *testing.F) {
	raw, err := os.ReadFile("../../ginkgo.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("target: a\nrunner: {timeout: 1m, specTimeout: 2m}\nobserve: 0s\n"))
	f.Add([]byte("target: a\nseed: 9007199254740991\nreport:\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := config.Parse("fuzz.yaml", raw, env())
		if err == nil {
			if c.Runner.Timeout <= 0 || c.Runner.Procs < 1 || c.Repeat().Drains < 1 || c.Target == "" {
				t.Fatalf("accepted an unusable configuration: %+v", c)
			}
			return
		}
		if _, ok := err.(yamlfile.Errors); !ok {
			t.Fatalf("%T %v", err, err)
		}
	})
}
