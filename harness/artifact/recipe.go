package artifact

import (
	_ "embed"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Recipe describes an image made of static binaries and a few folders.
type Recipe struct {
	// Dir is the folder of the recipe file; relative file sources start there.
	Dir string `json:"-"`

	Name        string            `json:"name"`       // names the image: drainproof/NAME
	User        string            `json:"user"`       // "uid:gid", numeric; empty is root
	Entrypoint  []string          `json:"entrypoint"` // exec form
	Cmd         []string          `json:"cmd"`
	Env         map[string]string `json:"env"`
	Workdir     string            `json:"workdir"`
	Labels      map[string]string `json:"labels"`
	Files       map[string]File   `json:"files"`       // absolute path in the image -> source
	Directories map[string]Owned  `json:"directories"` // absolute path in the image -> owner and mode
}

// Owned is who owns an entry of the image and with which permissions.
type Owned struct {
	Owner string `json:"owner"` // "uid:gid", default 0:0
	Mode  string `json:"mode"`  // octal; default 0755
}

// File is one file of the image; exactly one of its sources is set.
type File struct {
	Binary  string `json:"binary"`  // name of a binary Build made
	Path    string `json:"path"`    // a file of the machine, relative to the recipe
	Content string `json:"content"` // the text itself
	Owner   string `json:"owner"`
	Mode    string `json:"mode"` // octal; default 0755, of a text 0644
}

//go:embed recipe.schema.json
var recipeSchema []byte

// LoadRecipe reads and checks a recipe file. The error lists all that is wrong
// with it, a yamlfile.Problem each.
func LoadRecipe(file string) (*Recipe, error) {
	data, err := yamlfile.Read(file)
	if err != nil {
		return nil, fmt.Errorf("image recipe: %w", err)
	}
	r, err := ParseRecipe(file, data)
	if err != nil {
		return nil, err
	}
	r.Dir, err = filepath.Abs(filepath.Dir(file))
	return r, err
}

// ParseRecipe is LoadRecipe on bytes; name stands for the file in errors.
func ParseRecipe(name string, data []byte) (*Recipe, error) {
	schema, err := yamlfile.Compile(recipeSchema)
	if err != nil {
		return nil, err
	}
	var r Recipe
	doc, err := yamlfile.ParseStrict(name, data, schema, &r)
	if err != nil {
		return nil, err
	}
	r.check(doc)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return &r, nil
}

// check adds what a schema cannot say.
func (r *Recipe) check(doc *yamlfile.Document) {
	for _, p := range sortedKeys(r.Files) {
		at := yamlfile.At("files", p)
		r.checkPath(doc, at, p)
		f := r.Files[p]
		if n := countSet(f.Binary, f.Path, f.Content); n != 1 && !doc.Broken(at) {
			doc.Report(at, fmt.Sprintf("the file has %d sources", n), "give exactly one of binary, path and content")
		}
	}
	for _, p := range sortedKeys(r.Directories) {
		at := yamlfile.At("directories", p)
		r.checkPath(doc, at, p)
		if _, clash := r.Files[p]; clash {
			doc.ReportKey(at, p+" is a file too", "remove one of them")
		}
	}
}

func (r *Recipe) checkPath(doc *yamlfile.Document, at yamlfile.Path, p string) {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsRune(p, 0) {
		doc.ReportKey(at, fmt.Sprintf("%q is no absolute, clean path below /", p), "write it like /home/gateway")
		return
	}
	for up := path.Dir(p); up != "/"; up = path.Dir(up) {
		if _, file := r.Files[up]; file {
			doc.ReportKey(at, p+" lies below the file "+up, "rename one of them")
		}
	}
}

// Owner parses "uid", "uid:gid" or "" (root) into numbers. A name is an error:
// nothing here could look it up.
func Owner(s string) (uid, gid int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	u, g, both := strings.Cut(s, ":")
	if uid, err = id(u); err != nil {
		return 0, 0, err
	}
	if both {
		if gid, err = id(g); err != nil {
			return 0, 0, err
		}
	}
	return uid, gid, nil
}

func id(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no numeric ID; write uid:gid in numbers, e.g. 65532:65532", s)
	}
	return int(n), nil
}

func owned(owner, mode string, byDefault int64) (uid, gid int, perm int64, err error) {
	if uid, gid, err = Owner(owner); err != nil {
		return 0, 0, 0, fmt.Errorf("owner: %w", err)
	}
	if mode == "" {
		return uid, gid, byDefault, nil
	}
	n, err := strconv.ParseUint(mode, 8, 12)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("mode %q: write it in octal, e.g. 0755", mode)
	}
	return uid, gid, int64(n), nil
}

func countSet(ss ...string) int {
	n := 0
	for _, s := range ss {
		if s != "" {
			n++
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
