package artifact

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const small = `
name: small
user: "65532:65532"
entrypoint: [/app]
cmd: [run]
workdir: /home/app
env: {B: "2", A: "1"}
labels: {l: v}
files:
  /app: {binary: app}
  /etc/motd: {content: "hello\n", owner: "1:2", mode: "0640"}
directories:
  /home/app: {owner: "65532:65532", mode: "0700"}
  /tmp: {mode: "1777"}
`

func parse(t *testing.T, text string) *Recipe {
	t.Helper()
	r, err := ParseRecipe("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func binary(t *testing.T, content string) Binaries {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return Binaries{"app": path}
}

func assemble(t *testing.T, r *Recipe, bins Binaries) v1.Image {
	t.Helper()
	img, err := Assemble(r, bins)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestAssembleIsReproducible: the same inputs in another folder, at another
// time, give the same image to the last byte; other inputs do not.
func TestAssembleIsReproducible(t *testing.T) {
	digest := func(text, content string) string {
		img := assemble(t, parse(t, text), binary(t, content))
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		id, err := img.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		return d.String() + " " + id.String()
	}
	one := digest(small, "binary")
	if two := digest(small, "binary"); one != two {
		t.Errorf("two assemblies: %s and %s", one, two)
	}
	for what, other := range map[string]string{
		"another binary": digest(small, "Binary"),
		"another env":    digest(strings.Replace(small, `A: "1"`, `A: "3"`, 1), "binary"),
		"another mode":   digest(strings.Replace(small, "0640", "0644", 1), "binary"),
	} {
		if other == one {
			t.Errorf("%s gives the same image", what)
		}
	}
}

func TestAssembleLayer(t *testing.T) {
	img := assemble(t, parse(t, small), binary(t, "binary"))
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s has the time %s", h.Name, h.ModTime)
		}
		got = append(got, fmt.Sprintf("%s %d:%d %o", h.Name, h.Uid, h.Gid, h.Mode))
	}
	want := []string{"app 0:0 755", "etc/ 0:0 755", "etc/motd 1:2 640", "home/ 0:0 755", "home/app/ 65532:65532 700", "tmp/ 0:0 1777"}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("entries\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if c.User != "65532:65532" || strings.Join(c.Env, " ") != "A=1 B=2" || c.WorkingDir != "/home/app" || strings.Join(append(c.Entrypoint, c.Cmd...), " ") != "/app run" {
		t.Errorf("configuration %+v", c)
	}
}

// TestIdentifyRemembers: the second time nothing is assembled, and an image
// nobody asks for any more is named for removal.
func TestIdentifyRemembers(t *testing.T) {
	root, bins, r := t.TempDir(), binary(t, "binary"), parse(t, small)
	one, err := Identify(root, r, bins)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "bin", "images", "small-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("kept %q, %v", files, err)
	}
	two, err := Identify(root, r, bins)
	if err != nil || two.ID != one.ID || two.Name != one.Name || two.Digest != one.Digest {
		t.Errorf("remembered %+v, %v; made %+v", two, err, one)
	}
	var tarball bytes.Buffer
	if err := two.WriteTarball(&tarball); err != nil || !strings.Contains(tarball.String(), one.Name) {
		t.Errorf("a remembered image cannot be written: %v", err)
	}
	if got := Unused(root, time.Now().Add(-time.Hour)); len(got) != 0 {
		t.Errorf("unused already: %+v", got)
	}
	if got := Unused(root, time.Now().Add(time.Hour)); len(got) != 1 || got[0].Name != one.Name {
		t.Errorf("unused: %+v, want %s", got, one.Name)
	}
	if got := Unused(root, time.Now().Add(time.Hour)); len(got) != 0 {
		t.Errorf("named twice: %+v", got)
	}
}

func TestRecipeMistakes(t *testing.T) {
	replace := func(old, by string) string { return strings.Replace(small, old, by, 1) }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "r.yaml:1:1: the file is empty"},
		{"unknown field", replace("workdir", "wrokdir"), "r.yaml:6:1: unknown field \"wrokdir\""},
		{"unknown field of a file", replace("{binary: app}", "{binry: app}"), "r.yaml:10:10: unknown field \"binry\""},
		{"not YAML", "name: [", "r.yaml:1:"},
		{"wrong type", replace("[run]", "run"), "r.yaml:5:"},
		{"a tag the parser stumbles over", "name: a\nentrypoint: !00\n0", "r.yaml:"},
		{"an alias", "name: a\nentrypoint: &a [*a]", "anchors and aliases"},
		{"duplicate key", replace("cmd:", "name: x\ncmd:"), "r.yaml:5:1:"},
		{"name", replace("name: small", "name: Small Image"), "r.yaml:2:7: name is \"Small Image\""},
		{"user by name", replace(`user: "65532:65532"`, `user: "nobody"`), "r.yaml:3:7: user is \"nobody\""},
		{"no entrypoint", replace("entrypoint: [/app]", "entrypoint: []"), "r.yaml:4:1: entrypoint is empty"},
		{"no files", "name: a\nentrypoint: [/a]\n", "has no \"files\""},
		{"two sources", replace("{binary: app}", "{binary: app, path: x}"), "r.yaml:10:3: the file has 2 sources"},
		{"no source", replace("{binary: app}", "{mode: \"0755\"}"), "r.yaml:10:3: the file has 0 sources"},
		{"relative path", replace("  /app:", "  app:"), "r.yaml:10:3: \"app\" is no absolute, clean path"},
		{"path that climbs", replace("  /app:", "  /../app:"), "r.yaml:10:3: \"/../app\" is no absolute, clean path"},
		{"mode", replace("0640", "rw"), "r.yaml:11:55: files./etc/motd.mode is \"rw\""},
		{"owner", replace(`owner: "1:2"`, `owner: "a:2"`), "r.yaml:11:42: files./etc/motd.owner is \"a:2\""},
		{"file below a file", replace("  /etc/motd:", "  /app/motd:"), "/app/motd lies below the file /app"},
		{"folder that is a file", replace("  /tmp:", "  /app:"), "/app is a file too"},
		{"workdir", replace("workdir: /home/app", "workdir: home"), "r.yaml:6:10: workdir is \"home\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRecipe("r.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := LoadRecipe("nowhere.yaml"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Assemble(parse(t, small), Binaries{"gateway": "/x"}); err == nil || !strings.Contains(err.Error(), "no binary \"app\" was built (there are gateway)") {
		t.Errorf("a missing binary: %v", err)
	}
}

// TestPublishedRecipes: the recipes the project ships are whole.
func TestPublishedRecipes(t *testing.T) {
	root, err := FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"probe", "reference", "wrong-gateway"} {
		r, err := LoadRecipe(filepath.Join(root, "fixtures", "images", name+".yaml"))
		if err != nil || r.Name != name {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// FuzzParseRecipe: no input panics; what is taken can be assembled or says why not.
func FuzzParseRecipe(f *testing.F) {
	for _, s := range []string{small, "", "name: a", "a: &a [*a]", "\t", "name: a\nentrypoint: [x]\nfiles: {/a: {content: x}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecipe("r.yaml", []byte(text))
		if err != nil {
			return
		}
		r.Dir = t.TempDir()
		for _, file := range r.Files {
			if file.Content == "" {
				return // sources of this machine are not fuzzed
			}
		}
		if _, err := Assemble(r, nil); err != nil {
			t.Errorf("a checked recipe cannot be assembled: %v\n%s", err, text)
		}
	})
}
