package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// conformant is a report that certifies, and its bytes.
func conformant(t *testing.T, dir string) (*report.Report, []byte) {
	t.Helper()
	sum := strings.Repeat("0123456789abcdef", 4)
	r := &report.Report{
		Dir: dir, Schema: 1, Tool: report.Tool{Name: "drainproof", Version: "1.2.3"}, Spec: "0.1", Started: noon, Ended: noon.Add(time.Minute),
		Profile: report.ProfileFull, Level: "certify", Verdict: report.Conformant, Why: "all held", Certifies: true, Runtime: "docker", Engine: "20.10",
		Target: report.Target{Name: "edge", SHA256: sum, Bound: 2 * time.Second},
		Image:  &report.Image{Name: "edge:1", ID: "sha256:" + sum, Digest: "sha256:" + strings.Repeat("f", 64)},
		Suite:  report.SuiteOf(sum, sum), Environment: &report.Environment{OS: "linux", CPUs: 2}, Seed: 1<<62 + 1, Config: map[string]any{"seed": 7.0},
		Requirements: []report.Requirement{{ID: "GATE-001", Verdict: report.Pass}, {ID: "GATE-012", Verdict: report.Warn, Reason: "no code"}, {ID: "EPOCH-001", Verdict: report.NotApplicable}},
		Specs:        []report.Spec{{Text: "refuses", File: "histories/b.jsonl", SHA256: sum, Result: "passed"}},
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return r, raw
}

func pair(t *testing.T) (private, public Key) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := NewKeyPair(name); err != nil {
		t.Fatal(err)
	}
	return load(t, name), load(t, name+".pub")
}

func load(t *testing.T, path string) Key {
	t.Helper()
	k, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func year() Terms { return Terms{Issued: noon, Expires: noon.AddDate(1, 0, 0), Nonce: "n-1"} }

func TestSignedAndOpened(t *testing.T) {
	dir := t.TempDir()
	r, raw := conformant(t, dir)
	s, err := New(r, raw, year())
	if err != nil {
		t.Fatal(err)
	}
	private, public := pair(t)
	if err := Write(t.Context(), dir, s, private); err != nil {
		t.Fatal(err)
	}
	got, by, err := Open(t.Context(), filepath.Join(dir, FileName), []Key{public})
	if err != nil || by.Path != public.Path {
		t.Fatalf("by %q: %v", by.Path, err)
	}
	p := got.Predicate
	if got.Subject[0].Digest["sha256"] != strings.Repeat("f", 64) || p.Result != "WARNED" || p.Claims.Seed != "4611686018427387905" ||
		strings.Join(p.Passed, " ") != "GATE-001" || strings.Join(p.Warned, " ") != "GATE-012" {
		t.Errorf("got %+v", got)
	}
	if d := got.Compare(r, raw); len(d) > 0 {
		t.Errorf("it differs from its own report: %v", d)
	}
	_, stranger := pair(t)
	if _, _, err := Open(t.Context(), filepath.Join(dir, FileName), []Key{stranger}); !errors.Is(err, ErrSignature) {
		t.Errorf("a stranger's key: %v", err)
	}
	if err := Write(t.Context(), dir, s, public); err == nil || !strings.Contains(err.Error(), "is a public key") {
		t.Errorf("signed with a public key: %v", err)
	}
	if info, err := os.Stat(private.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key has %v, %v", info.Mode(), err)
	}
}

func TestNothingElseIsCertified(t *testing.T) {
	for name, spoil := range map[string]func(*report.Report, *Terms){
		"a run that does not certify": func(r *report.Report, _ *Terms) { r.Certifies = false },
		"no image":                    func(r *report.Report, _ *Terms) { r.Image = nil },
		"no suite":                    func(r *report.Report, _ *Terms) { r.Suite = nil },
		"never valid":                 func(_ *report.Report, t *Terms) { t.Expires = t.Issued },
	} {
		t.Run(name, func(t *testing.T) {
			r, raw := conformant(t, t.TempDir())
			terms := year()
			spoil(r, &terms)
			if _, err := New(r, raw, terms); err == nil {
				t.Error("it is certified")
			}
		})
	}
}

// Keys that were made elsewhere do as well.
func TestOtherKeys(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]struct{ private, public any }{"ecdsa": {ec, &ec.PublicKey}, "rsa": {rs, &rs.PublicKey}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			secret, err := x509.MarshalPKCS8PrivateKey(key.private)
			if err != nil {
				t.Fatal(err)
			}
			open, err := x509.MarshalPKIXPublicKey(key.public)
			if err != nil {
				t.Fatal(err)
			}
			for file, block := range map[string]*pem.Block{"key": {Type: "PRIVATE KEY", Bytes: secret}, "key.pub": {Type: "PUBLIC KEY", Bytes: open}} {
				if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, raw := conformant(t, dir)
			s, err := New(r, raw, year())
			if err != nil {
				t.Fatal(err)
			}
			if err := Write(t.Context(), dir, s, load(t, filepath.Join(dir, "key"))); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Open(t.Context(), filepath.Join(dir, FileName), []Key{load(t, filepath.Join(dir, "key.pub"))}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDemands(t *testing.T) {
	r, raw := conformant(t, t.TempDir())
	s, err := New(r, raw, year())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		demands Demands
		kind    string // "" is met
	}{
		"nothing":          {Demands{At: noon}, ""},
		"all of it":        {Demands{At: noon, Nonce: "n-1", Image: r.Image.ID, Profile: "full", Suites: []string{"x", r.Suite.SHA256}}, ""},
		"by its digest":    {Demands{At: noon, Image: strings.Repeat("f", 64)}, ""},
		"the last moment":  {Demands{At: noon.AddDate(1, 0, 0).Add(-time.Second)}, ""},
		"too late":         {Demands{At: noon.AddDate(1, 0, 0)}, "expired"},
		"too early":        {Demands{At: noon.Add(-time.Second)}, "expired"},
		"another nonce":    {Demands{At: noon, Nonce: "n-2"}, "nonce"},
		"another image":    {Demands{At: noon, Image: "sha256:" + strings.Repeat("0", 64)}, "image"},
		"another profile":  {Demands{At: noon, Profile: "gate"}, "profile"},
		"an unknown suite": {Demands{At: noon, Suites: []string{"x"}}, "suite"},
		"its level":        {Demands{At: noon, Levels: []string{"audit", "certify"}}, ""},
		"another level":    {Demands{At: noon, Levels: []string{"audit"}}, "level"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.unmet(c.demands)
			if c.kind == "" && len(got) > 0 || c.kind != "" && (len(got) != 1 || got[0].Kind != c.kind) {
				t.Errorf("got %v, want %q", got, c.kind)
			}
		})
	}
}

// A nonce is used up by one certificate, also where two are shown at once.
func TestNonces(t *testing.T) {
	dir := t.TempDir()
	ledger := filepath.Join(dir, "nonces.json")
	n, err := IssueNonce(ledger, "acme", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := IssueNonce(ledger, "acme", noon, time.Hour); err != nil || other.Nonce == n.Nonce {
		t.Fatalf("issued %v again, %v", other, err)
	}
	var wg sync.WaitGroup
	accepted := make(chan string, 8)
	for i := range 8 {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(path, []byte(path), 0o644); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if against, err := UseNonce(ledger, n.Nonce, "acme", path, "", noon); err == nil && len(against) == 0 {
				accepted <- path
			}
		})
	}
	wg.Wait()
	close(accepted)
	if len(accepted) != 1 {
		t.Fatalf("%d certificates were accepted with one nonce", len(accepted))
	}
	if against, err := UseNonce(ledger, n.Nonce, "acme", <-accepted, "", noon.Add(2*time.Hour)); err != nil || len(against) > 0 {
		t.Errorf("the same one later: %v, %v", against, err)
	}
	if err := os.WriteFile(ledger, []byte(`{"schema": 2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := IssueNonce(ledger, "acme", noon, time.Hour); err == nil || !strings.Contains(err.Error(), "schema 2") {
		t.Errorf("another schema: %v", err)
	}
	if raw, _ := os.ReadFile(ledger); string(raw) != `{"schema": 2}` {
		t.Errorf("what was not understood was overwritten: %s", raw)
	}
}

// collection lays out a collection with a submission of a run that certifies, made at a
// level, and returns its folder; hand puts it in another place as well.
func collection(t *testing.T, level string) (c Collection, hand func(gateway, version string) string) {
	t.Helper()
	c = Collection{Dir: t.TempDir(), Spec: "0.1", At: noon}
	private, public := pair(t)
	if err := os.Mkdir(filepath.Join(c.Dir, "keys"), 0o755); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(public.Path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := IssueNonce(filepath.Join(c.Dir, "nonces.json"), "acme", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	made := t.TempDir()
	r, _ := conformant(t, made)
	r.Level = level
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(r, raw, Terms{Issued: noon, Expires: noon.AddDate(1, 0, 0), Nonce: n.Nonce})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		Write(t.Context(), made, s, private), os.WriteFile(filepath.Join(made, report.FileName), raw, 0o644),
		os.WriteFile(filepath.Join(c.Dir, "keys", "acme.pub"), key, 0o644), os.WriteFile(filepath.Join(c.Dir, "suites.txt"), []byte(r.Suite.SHA256+"\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	return c, func(gateway, version string) string {
		t.Helper()
		dir := filepath.Join(c.Dir, "acme", gateway, version)
		text := "schema: 1\nvendor: acme\ngateway: " + gateway + "\nversion: " + version + "\nimage: " + r.Image.ID + "\nprofile: full\ncontact: https://acme.example\n"
		if err := errors.Join(os.CopyFS(dir, os.DirFS(made)), os.WriteFile(filepath.Join(dir, SubmissionName), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
}

// handedIn checks a submission whose histories are as they should be.
func (c Collection) handedIn(t *testing.T, dir string) []report.Difference {
	t.Helper()
	checked, err := c.CheckSubmission(t.Context(), dir, []byte("{}"), func(*report.Report) ([]report.Difference, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return checked.Problems
}

// One certificate is of one version of one gateway: it is not handed in again as another.
func TestOneCertificateOnePlace(t *testing.T) {
	c, hand := collection(t, "certify")
	first := hand("edge", "1.4.0")
	for range 2 {
		if got := c.handedIn(t, first); len(got) > 0 {
			t.Errorf("refused: %v", got)
		}
	}
	for _, again := range []string{hand("edge", "1.5.0"), hand("core", "1.4.0")} {
		if got := c.handedIn(t, again); len(got) != 1 || got[0].Kind != "nonce" || !strings.Contains(got[0].What, "was used already, for acme/edge/1.4.0") {
			t.Errorf("%s: got %v", again, got)
		}
	}
	if got := c.handedIn(t, first); len(got) > 0 {
		t.Errorf("refused after that: %v", got)
	}
}

// That every requirement held is no claim of a run that left checks out.
func TestAFullProfileAtTheLevelGate(t *testing.T) {
	for level, refused := range map[string]bool{"gate": true, "certify": false, "audit": false} {
		c, hand := collection(t, level)
		got := c.handedIn(t, hand("edge", "1.4.0"))
		if refused != (len(got) == 1 && got[0].Kind == "level") || !refused && len(got) > 0 {
			t.Errorf("level %s: got %v", level, got)
		}
	}
}

// Whatever lies in the place of a certificate or a report is refused, and soon.
func FuzzHostileFolder(f *testing.F) {
	for _, seed := range []string{
		"", "{", "null", "[]", `{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AA=="}]}`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 50_000), `{"schema":1,"specs":[{"file":"../../x"}]}`, `{"schema":1e999}`,
		`{"schema":1,"requirements":[{"violations":[{"evidence":[18446744073709551616]}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	private := filepath.Join(f.TempDir(), "key")
	if err := NewKeyPair(private); err != nil {
		f.Fatal(err)
	}
	k, err := LoadKey(private + ".pub")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		for _, name := range []string{FileName, report.FileName} {
			if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		c, err := Check(t.Context(), dir, []byte(`{"type": "object", "required": ["verdict"]}`), Demands{Trusted: []Key{k}, At: noon, Spec: "0.1"},
			func(*report.Report) ([]report.Difference, error) { return nil, nil })
		if err == nil && len(c.Problems) == 0 {
			t.Error("it is accepted")
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// What could hold a reader up is not read at all.
func TestHostileFiles(t *testing.T) {
	for name, lay := range map[string]func(dir string) error{
		"a link":       func(dir string) error { return os.Symlink("/dev/zero", filepath.Join(dir, "more")) },
		"a large file": func(dir string) error { return os.Truncate(filepath.Join(dir, report.FileName), maxHistory+1) },
		"folders without end": func(dir string) error {
			var errs []error
			for i := range maxFiles {
				errs = append(errs, os.Mkdir(filepath.Join(dir, fmt.Sprint("f", i)), 0o755))
			}
			return errors.Join(errs...)
		},
		"a folder": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, report.FileName)), os.Mkdir(filepath.Join(dir, report.FileName), 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, raw := conformant(t, dir)
			if err := errors.Join(os.WriteFile(filepath.Join(dir, report.FileName), raw, 0o644), lay(dir)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Load(dir); err == nil {
				t.Error("it is read")
			}
		})
	}
}
