package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// evidence is a folder with a report and a certificate, of a real run, and the keys.
type evidence struct{ dir, key, pub, ledger string }

// certified runs the gate once, with a key and a nonce.
func certified(t *testing.T) evidence {
	t.Helper()
	if runtimeUnderTest() == "process" {
		t.Skip("without containers nothing is certified")
	}
	home := t.TempDir()
	e := evidence{dir: filepath.Join(home, "evidence"), key: filepath.Join(home, "vendor.key"), ledger: filepath.Join(home, "nonces.json")}
	e.pub = e.key + ".pub"
	drainproof(t, "key", "new", e.key).must(t, 0, "key ID")
	nonce := strings.TrimSpace(drainproof(t, "nonce", "issue", "--ledger", e.ledger, "--for", "acme").out)
	gate(t, "--runtime", "docker", "--report", e.dir, "--key", e.key, "--nonce", nonce, "--retry-incomplete", "2").must(t, 0, "certificate  "+e.dir)
	return e
}

// copied is a copy of it that may be spoilt.
func (e evidence) copied(t *testing.T) evidence {
	t.Helper()
	from := e.dir
	e.dir = filepath.Join(t.TempDir(), "evidence")
	if err := os.CopyFS(e.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e evidence) file(name string) string { return filepath.Join(e.dir, name) }

// edit replaces text in one of its files; the text must be there.
func (e evidence) edit(t *testing.T, name, old, fresh string) {
	t.Helper()
	raw, err := os.ReadFile(e.file(name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(e.file(name), bytes.Replace(raw, []byte(old), []byte(fresh), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// change changes the report as a program would that knows JSON.
func (e evidence) change(t *testing.T, do func(r map[string]any)) {
	t.Helper()
	e.json(t, "report.json", do)
}

func (e evidence) json(t *testing.T, name string, do func(map[string]any)) {
	t.Helper()
	raw, err := os.ReadFile(e.file(name))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	do(m)
	if raw, err = json.MarshalIndent(m, "", "  "); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.file(name), append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func entry(r map[string]any, list string, i int) map[string]any {
	return r[list].([]any)[i].(map[string]any)
}

// anyHistory is the name of one of its histories.
func (e evidence) anyHistory(t *testing.T) string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(e.dir), "histories/*.jsonl")
	if err != nil || len(found) == 0 {
		t.Fatalf("no history in %s: %v", e.dir, err)
	}
	return found[0]
}

// A certificate of a real run is accepted, and everything that is changed after it was
// signed is named.
func TestCertificate(t *testing.T) {
	made := certified(t)
	trust := []string{"--trusted-key", made.pub}
	verify := func(dir string, args ...string) result {
		return drainproof(t, append([]string{"verify", dir}, args...)...)
	}
	verify(made.dir, trust...).must(t, 0, "same verdict after judging 5 histories again: conformant (gate)", "signed by", made.pub, "not that they were observed")
	verify(made.dir).must(t, 2, "--trusted-key FILE", "--report-only")
	verify(made.dir, "--report-only").must(t, 0, "same verdict")
	verify(made.dir, "--trusted-key", made.key+".none").must(t, 2, "the key cannot be read")
	verify(made.dir, "--trusted-key", filepath.Join(made.dir, "report.json")).must(t, 2, "is no key in PEM")

	// What a verifier may demand.
	other := filepath.Join(t.TempDir(), "other.key")
	drainproof(t, "key", "new", other).must(t, 0)
	drainproof(t, "key", "new", other).must(t, 2, "is there already")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--trusted-key", other + ".pub"}, "signature: "},
		{append(trust, "--nonce", "another"), `nonce: the nonce "another" was demanded`},
		{append(trust, "--image", "sha256:"+strings.Repeat("0", 64)), "image: it is about the image"},
		{append(trust, "--profile", "full"), "profile: it is of the profile gate"},
		{append(trust, "--suite", strings.Repeat("0", 64)), "suite: "},
	} {
		verify(made.dir, c.args...).must(t, 1, c.want, "refused")
	}
	// The nonce is used up, by this certificate and no other.
	nonces := append(trust, "--nonces", made.ledger)
	verify(made.dir, append(nonces, "--for", "somebody")...).must(t, 1, "was issued to acme")
	verify(made.dir, append(nonces, "--for", "acme")...).must(t, 0, "nonce")
	verify(made.dir, append(nonces, "--for", "acme")...).must(t, 0, "nonce")
	verify(made.dir, append(trust, "--nonces", made.ledger+".none")...).must(t, 2, "the ledger of nonces cannot be read")

	for _, c := range tamperings() {
		t.Run(c.name, func(t *testing.T) {
			e := made.copied(t)
			c.do(t, e)
			got := verify(e.dir, trust...)
			if got.code == 0 {
				t.Errorf("it is accepted:\n%s", got.out)
			}
			for _, want := range c.want {
				if !strings.Contains(got.out, want) {
					t.Errorf("%q is not named in:\n%s", want, got.out)
				}
			}
		})
	}
	submissions(t, made)
}

// tampering is something done to evidence after it was signed.
type tampering struct {
	name string
	do   func(*testing.T, evidence)
	want []string
}

func tamperings() []tampering {
	edited := func(name string, want []string, do func(r map[string]any)) tampering {
		return tampering{name, func(t *testing.T, e evidence) { e.change(t, do) }, want}
	}
	return []tampering{
		edited("verdict of a requirement", []string{"verdict: ", "requirements[0].verdict"}, func(r map[string]any) { entry(r, "requirements", 0)["verdict"] = "warn" }),
		edited("verdict of a point", []string{"point a"}, func(r map[string]any) { entry(r, "points", 0)["verdict"] = "warn" }),
		edited("the reason", []string{"the report says why"}, func(r map[string]any) { r["why"] = "It is a good gateway." }),
		edited("figure of a point", []string{"point a"}, func(r map[string]any) { entry(r, "points", 0)["figure"] = "at once" }),
		edited("measured figures", []string{"samples is not what its histories say"}, func(r map[string]any) {
			for _, q := range r["requirements"].([]any) {
				if s, ok := q.(map[string]any)["samples"].([]any); ok {
					s[0].(map[string]any)["max_ns"] = json.Number("1")
					return
				}
			}
		}),
		edited("text of a requirement", []string{"text is not what"}, func(r map[string]any) { entry(r, "requirements", 0)["text"] = "The gateway does its best." }),
		edited("how often it arose", []string{"arose is not what"}, func(r map[string]any) { entry(r, "requirements", 0)["arose"] = json.Number("999") }),
		edited("a dropped requirement", []string{"the report leaves it out", "requirements: the certificate says"}, func(r map[string]any) {
			r["requirements"] = r["requirements"].([]any)[1:]
		}),
		edited("a dropped check", []string{"missing-check: ", "a. observe"}, func(r map[string]any) { r["specs"] = r["specs"].([]any)[1:] }),
		edited("an extra check", []string{"extra-check: "}, func(r map[string]any) { r["specs"] = append(r["specs"].([]any), entry(r, "specs", 0)) }),
		edited("a check bound to less", []string{"other-check: "}, func(r map[string]any) {
			s := entry(r, "specs", 0)
			s["requirements"] = s["requirements"].([]any)[:1]
		}),
		edited("another bound", []string{"bound: ", "target.bound_ns"}, func(r map[string]any) { r["target"].(map[string]any)["bound_ns"] = json.Number("1000000000") }),
		edited("fewer features", []string{"features: ", "target.features"}, func(r map[string]any) {
			f := r["target"].(map[string]any)
			f["features"] = f["features"].([]any)[1:]
		}),
		edited("another target file", []string{"target: target.sha256"}, func(r map[string]any) { r["target"].(map[string]any)["sha256"] = strings.Repeat("1", 64) }),
		edited("another image", []string{"image: "}, func(r map[string]any) { r["image"].(map[string]any)["id"] = "sha256:" + strings.Repeat("1", 64) }),
		edited("another sidecar", []string{"image.sidecars"}, func(r map[string]any) {
			r["image"].(map[string]any)["sidecars"] = map[string]any{"proxy": "sha256:" + strings.Repeat("1", 64)}
		}),
		edited("another seed", []string{"seed: "}, func(r map[string]any) { r["seed"] = json.Number("42") }),
		edited("another suite", []string{"suite: "}, func(r map[string]any) { r["suite"].(map[string]any)["sha256"] = strings.Repeat("1", 64) }),
		edited("another configuration", []string{"configuration: "}, func(r map[string]any) { r["config"].(map[string]any)["level"] = "audit" }),
		edited("another environment", []string{"run: environment"}, func(r map[string]any) { r["environment"].(map[string]any)["cpus"] = json.Number("64") }),
		edited("a quieter machine", []string{"noise: "}, func(r map[string]any) { r["noise"].(map[string]any)["stalls"] = json.Number("987654") }),
		edited("older requirements", []string{"spec: "}, func(r map[string]any) { r["spec"] = "0.0" }),
		edited("a list of expected failures", []string{"verdict: "}, func(r map[string]any) {
			r["expected"] = []any{map[string]any{"requirement": "GATE-001", "reason": "known"}}
		}),
		edited("another profile", []string{"missing-check: "}, func(r map[string]any) { r["profile"] = "full" }),
		edited("a history from elsewhere", []string{"outside its folder"}, func(r map[string]any) { entry(r, "specs", 0)["file"] = "../../../etc/passwd" }),
		edited("a field nobody knows", []string{"schema: "}, func(r map[string]any) { r["grade"] = "A" }),
		{"white space", func(t *testing.T, e evidence) { e.edit(t, "report.json", "{\n", "{ \n") }, []string{"report: report: the certificate says"}},
		{"a history", func(t *testing.T, e evidence) { e.edit(t, e.anyHistory(t), `"running"`, `"draining"`) }, []string{"hash: "}},
		{"a history and its hash", func(t *testing.T, e evidence) {
			e.edit(t, e.anyHistory(t), `"drainable":"true"`, `"drainable":"false"`)
			e.change(t, func(r map[string]any) { rehash(t, e, r) })
		}, []string{"history: histories["}},
		{"an event left out", func(t *testing.T, e evidence) {
			name := e.anyHistory(t)
			raw, err := os.ReadFile(e.file(name))
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(raw, []byte("\n"))
			at := slices.IndexFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(`"kind":"step"`)) })
			if err := os.WriteFile(e.file(name), bytes.Join(slices.Delete(lines, at, at+1), nil), 0o644); err != nil {
				t.Fatal(err)
			}
			e.change(t, func(r map[string]any) { rehash(t, e, r) })
		}, []string{"incomplete: ", "1 are missing"}},
		{"a target that lacks something in one history", func(t *testing.T, e evidence) {
			e.edit(t, e.anyHistory(t), `"runtime":"docker"`, `"runtime":"docker","lacks":["file"]`)
			e.change(t, func(r map[string]any) { rehash(t, e, r) })
		}, []string{"circumstances: "}},
		{"a history that is gone", func(t *testing.T, e evidence) {
			if err := os.Remove(e.file(e.anyHistory(t))); err != nil {
				t.Fatal(err)
			}
		}, []string{"history: "}},
		{"histories exchanged", func(t *testing.T, e evidence) {
			e.change(t, func(r map[string]any) {
				a, b := entry(r, "specs", 0), entry(r, "specs", 1)
				a["file"], b["file"], a["sha256"], b["sha256"] = b["file"], a["file"], b["sha256"], a["sha256"]
			})
		}, []string{"is the history of"}},
		{"a link", func(t *testing.T, e evidence) {
			if err := os.Symlink("/dev/zero", e.file("more")); err != nil {
				t.Fatal(err)
			}
		}, []string{"is no regular file"}},
		{"the signature", func(t *testing.T, e evidence) {
			e.json(t, "certificate.dsse.json", func(m map[string]any) {
				m["signatures"].([]any)[0].(map[string]any)["sig"] = base64.StdEncoding.EncodeToString(make([]byte, 64))
			})
		}, []string{"signature: "}},
		{"what was signed", func(t *testing.T, e evidence) {
			e.json(t, "certificate.dsse.json", func(m map[string]any) {
				payload, err := base64.StdEncoding.DecodeString(m["payload"].(string))
				if err != nil {
					t.Fatal(err)
				}
				m["payload"] = base64.StdEncoding.EncodeToString(bytes.Replace(payload, []byte(`"profile":"gate"`), []byte(`"profile":"full"`), 1))
			})
		}, []string{"signature: "}},
		{"no signature", func(t *testing.T, e evidence) {
			e.json(t, "certificate.dsse.json", func(m map[string]any) { m["signatures"] = []any{} })
		}, []string{"signature: "}},
		{"no certificate", func(t *testing.T, e evidence) {
			if err := os.Remove(e.file("certificate.dsse.json")); err != nil {
				t.Fatal(err)
			}
		}, []string{"unsigned: "}},
		{"no report", func(t *testing.T, e evidence) {
			if err := os.Remove(e.file("report.json")); err != nil {
				t.Fatal(err)
			}
		}, []string{"no report can be read"}},
		{"half a report", func(t *testing.T, e evidence) {
			if err := os.Truncate(e.file("report.json"), 1000); err != nil {
				t.Fatal(err)
			}
		}, []string{"is no report"}},
	}
}

// rehash gives a report the hash that the changed history has.
func rehash(t *testing.T, e evidence, r map[string]any) {
	t.Helper()
	for i := range r["specs"].([]any) {
		s := entry(r, "specs", i)
		raw, err := os.ReadFile(e.file(s["file"].(string)))
		if err != nil {
			t.Fatal(err)
		}
		s["sha256"] = fmt.Sprintf("%x", sha256.Sum256(raw))
	}
}

// submissions hands the evidence in, and then in every wrong way.
func submissions(t *testing.T, made evidence) {
	var r struct {
		Image struct{ ID string }
		Suite struct{ SHA256 string }
	}
	raw, err := os.ReadFile(made.file("report.json"))
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	write := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// handIn lays a collection out with one submission in it.
	handIn := func(t *testing.T) (root string, e evidence) {
		root = t.TempDir()
		e = evidence{dir: filepath.Join(root, "acme", "edge", "1.4.0")}
		if err := os.CopyFS(e.dir, os.DirFS(made.dir)); err != nil {
			t.Fatal(err)
		}
		for from, to := range map[string]string{made.pub: "keys/acme.pub", made.ledger: "nonces.json"} {
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(root, to), string(text))
		}
		write(t, filepath.Join(root, "suites.txt"), "# released suites\n"+r.Suite.SHA256+"  0.1\n")
		write(t, e.file("submission.yaml"), "schema: 1\nvendor: acme\ngateway: edge\nversion: 1.4.0\nimage: "+r.Image.ID+
			"\nprofile: gate\ncontact: https://acme.example/edge\n")
		return root, e
	}
	check := func(t *testing.T, e evidence) result { return drainproof(t, "submit", "check", e.dir) }
	_, good := handIn(t)
	check(t, good).must(t, 0, "nothing speaks against it: conformant (gate)")
	for _, c := range []struct {
		name string
		code int
		want string
		do   func(t *testing.T, root string, e evidence)
	}{
		{"missing check", 1, "missing-check: ", func(t *testing.T, _ string, e evidence) {
			e.change(t, func(r map[string]any) { r["specs"] = r["specs"].([]any)[1:] })
		}},
		{"extra check", 1, "extra-check: ", func(t *testing.T, _ string, e evidence) {
			e.change(t, func(r map[string]any) { r["specs"] = append(r["specs"].([]any), entry(r, "specs", 0)) })
		}},
		{"edited verdict", 1, "verdict: ", func(t *testing.T, _ string, e evidence) {
			e.change(t, func(r map[string]any) { entry(r, "requirements", 0)["verdict"] = "not-applicable" })
		}},
		{"other image", 1, "image: it is about the image", func(t *testing.T, _ string, e evidence) {
			e.edit(t, "submission.yaml", r.Image.ID, "sha256:"+strings.Repeat("2", 64))
		}},
		{"relaxed bound", 1, "bound: ", func(t *testing.T, _ string, e evidence) {
			e.change(t, func(r map[string]any) { r["target"].(map[string]any)["bound_ns"] = json.Number("4000000000") })
		}},
		{"stale suite version", 1, "spec: it is of requirements 0.0", func(t *testing.T, _ string, e evidence) {
			e.change(t, func(r map[string]any) { r["spec"] = "0.0" })
		}},
		{"unreleased suite", 1, "suite: it was made by a suite", func(t *testing.T, root string, _ evidence) {
			write(t, filepath.Join(root, "suites.txt"), strings.Repeat("3", 64)+"\n")
		}},
		{"replayed nonce", 1, "was used already", func(t *testing.T, root string, _ evidence) {
			ledger := evidence{dir: root}
			ledger.json(t, "nonces.json", func(m map[string]any) { entry(m, "nonces", 0)["used"] = strings.Repeat("4", 64) })
		}},
		{"a nonce of nobody", 1, "was never issued", func(t *testing.T, root string, _ evidence) {
			write(t, filepath.Join(root, "nonces.json"), `{"schema": 1, "nonces": []}`)
		}},
		{"somebody else's nonce", 1, "was issued to umbrella", func(t *testing.T, root string, _ evidence) {
			ledger := evidence{dir: root}
			ledger.json(t, "nonces.json", func(m map[string]any) { entry(m, "nonces", 0)["for"] = "umbrella" })
		}},
		{"a late one", 1, "was good until", func(t *testing.T, root string, _ evidence) {
			ledger := evidence{dir: root}
			ledger.json(t, "nonces.json", func(m map[string]any) {
				n := entry(m, "nonces", 0)
				n["expires"] = "2026-01-01T00:00:00Z"
				delete(n, "used") // by the same certificate it may be shown again
			})
		}},
		{"unsigned", 1, "unsigned: ", func(t *testing.T, _ string, e evidence) {
			if err := os.Remove(e.file("certificate.dsse.json")); err != nil {
				t.Fatal(err)
			}
		}},
		{"signed by another", 1, "signature: ", func(t *testing.T, root string, _ evidence) {
			other := filepath.Join(t.TempDir(), "other.key")
			drainproof(t, "key", "new", other).must(t, 0)
			if err := os.Rename(other+".pub", filepath.Join(root, "keys", "acme.pub")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the five points for all", 1, "profile: ", func(t *testing.T, _ string, e evidence) {
			e.edit(t, "submission.yaml", "profile: gate", "profile: full")
		}},
		{"another place", 1, "place: ", func(t *testing.T, _ string, e evidence) { e.edit(t, "submission.yaml", "1.4.0", "1.4.1") }},
		{"a file too many", 1, "extra-file: histories/more.jsonl", func(t *testing.T, _ string, e evidence) {
			write(t, e.file("histories/more.jsonl"), "{}")
		}},
		{"an unknown vendor", 2, "the key cannot be read", func(t *testing.T, root string, _ evidence) {
			if err := os.Remove(filepath.Join(root, "keys", "acme.pub")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a vendor with a path", 2, "vendor", func(t *testing.T, _ string, e evidence) { e.edit(t, "submission.yaml", "acme", "../acme") }},
		{"no description", 2, "submission.yaml", func(t *testing.T, _ string, e evidence) {
			if err := os.Remove(e.file("submission.yaml")); err != nil {
				t.Fatal(err)
			}
		}},
		{"no list of suites", 2, "suites.txt", func(t *testing.T, root string, _ evidence) {
			if err := os.Remove(filepath.Join(root, "suites.txt")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run("submission/"+c.name, func(t *testing.T) {
			root, e := handIn(t)
			c.do(t, root, e)
			check(t, e).must(t, c.code, c.want)
		})
	}
	drainproof(t, "submit", "check", filepath.Join(t.TempDir(), "none")).must(t, 2, "no submission can be read")
}
