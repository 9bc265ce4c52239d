package artifact

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Recipe describes an image made of static binaries and a few folders.
type Recipe struct {
	// Dir is the folder of the recipe file; relative file sources start there.
	Dir string `yaml:"-"`

	Name        string            `yaml:"name"`       // names the image: drainproof/NAME
	User        string            `yaml:"user"`       // "uid:gid", numeric; empty is root
	Entrypoint  []string          `yaml:"entrypoint"` // exec form
	Cmd         []string          `yaml:"cmd"`
	Env         map[string]string `yaml:"env"`
	Workdir     string            `yaml:"workdir"`
	Labels      map[string]string `yaml:"labels"`
	Files       map[string]File   `yaml:"files"`       // absolute path in the image -> source
	Directories map[string]Owned  `yaml:"directories"` // absolute path in the image -> owner and mode
}

// Owned is who owns an entry of the image and with which permissions.
type Owned struct {
	Owner string `yaml:"owner"` // "uid:gid", default 0:0
	Mode  string `yaml:"mode"`  // octal; default 0755
}

// File is one file of the image; exactly one of its sources is set.
type File struct {
	Binary  string `yaml:"binary"`  // name of a binary Build made
	Path    string `yaml:"path"`    // a file of the machine, relative to the recipe
	Content string `yaml:"content"` // the text itself
	Owner   string `yaml:"owner"`
	Mode    string `yaml:"mode"`
}

// maxRecipe bounds what is read of a recipe, in bytes.
const maxRecipe = 1 << 20

// LoadRecipe reads and checks a recipe file.
func LoadRecipe(file string) (*Recipe, error) {
	f, err := os.Open(file)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("image recipe %s does not exist; correct image.recipe in the target file", file)
		}
		return nil, fmt.Errorf("cannot read image recipe: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecipe+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read image recipe %s: %w", file, err)
	}
	r, err := ParseRecipe(file, data)
	if err != nil {
		return nil, err
	}
	r.Dir, err = filepath.Abs(filepath.Dir(file))
	return r, err
}

// ParseRecipe parses a recipe; name is used in errors, which are one line each:
// name:line:column: what is wrong; what to do.
func ParseRecipe(name string, data []byte) (*Recipe, error) {
	if len(data) > maxRecipe {
		return nil, fmt.Errorf("%s: larger than %d bytes; this is no image recipe", name, maxRecipe)
	}
	var r Recipe
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(&r); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s:1:1: empty; an image recipe needs at least name, files and entrypoint", name)
		}
		return nil, located(name, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &r, nil
}

// located turns a YAML error into one line with its position.
func located(name string, err error) error {
	var ye yaml.Error
	if errors.As(err, &ye) {
		if tok := ye.GetToken(); tok != nil && tok.Position != nil {
			return fmt.Errorf("%s:%d:%d: %s; see fixtures/images for the fields there are", name, tok.Position.Line, tok.Position.Column, strings.Join(strings.Fields(ye.GetMessage()), " "))
		}
	}
	return fmt.Errorf("%s: %s", name, strings.Join(strings.Fields(err.Error()), " "))
}

// imageName is what an engine takes as the last part of a repository's name.
var imageName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

func (r *Recipe) check() error {
	if !imageName.MatchString(r.Name) {
		return fmt.Errorf("name %q: use lower-case letters, digits, '.', '_' and '-', starting with a letter or digit", r.Name)
	}
	if _, _, err := Owner(r.User); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	if len(r.Entrypoint) == 0 {
		return errors.New("entrypoint is missing; give it in exec form, e.g. [\"/gateway\"]")
	}
	if len(r.Files) == 0 {
		return errors.New("files is missing; an image without a file can run nothing")
	}
	if r.Workdir != "" && !path.IsAbs(r.Workdir) {
		return fmt.Errorf("workdir %q: must be absolute", r.Workdir)
	}
	for _, p := range sortedKeys(r.Files) {
		f := r.Files[p]
		if err := checkPath(p); err != nil {
			return fmt.Errorf("files: %w", err)
		}
		if n := countSet(f.Binary, f.Path, f.Content); n != 1 {
			return fmt.Errorf("files: %s: give exactly one of binary, path and content, not %d", p, n)
		}
		if _, _, _, err := owned(f.Owner, f.Mode, 0o755); err != nil {
			return fmt.Errorf("files: %s: %w", p, err)
		}
	}
	for _, p := range sortedKeys(r.Directories) {
		d := r.Directories[p]
		if err := checkPath(p); err != nil {
			return fmt.Errorf("directories: %w", err)
		}
		if _, clash := r.Files[p]; clash {
			return fmt.Errorf("directories: %s is a file too; remove one of them", p)
		}
		if _, _, _, err := owned(d.Owner, d.Mode, 0o755); err != nil {
			return fmt.Errorf("directories: %s: %w", p, err)
		}
	}
	return r.checkParents()
}

// checkParents refuses a file that would have to be a folder too.
func (r *Recipe) checkParents() error {
	for _, kind := range [][]string{sortedKeys(r.Files), sortedKeys(r.Directories)} {
		for _, p := range kind {
			for up := path.Dir(p); up != "/"; up = path.Dir(up) {
				if _, file := r.Files[up]; file {
					return fmt.Errorf("files: %s lies below the file %s; rename one of them", p, up)
				}
			}
		}
	}
	return nil
}

func checkPath(p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || strings.ContainsRune(p, 0) {
		return fmt.Errorf("%q: must be an absolute, clean path below /", p)
	}
	return nil
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
		return 0, 0, 0, fmt.Errorf("mode %q: write it in octal as a string, e.g. \"0755\"", mode)
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
