package config

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// FileName is what Find looks for.
const FileName = "ginkgo.yaml"

//go:embed config.schema.json
var schemaJSON []byte

// Schema returns the JSON Schema of ginkgo.yaml, for publishing.
func Schema() []byte { return append([]byte(nil), schemaJSON...) }

var schema = sync.OnceValue(func() *yamlfile.Schema { return yamlfile.MustCompile(schemaJSON) })

// Open is Find and Load with the process's environment: what all ways of
// starting the suite call.
func Open() (*Config, error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	return Load(path)
}

// Find returns the configuration file: DRAINPROOF_CONFIG, or the nearest
// ginkgo.yaml in the working directory or above it.
func Find() (string, error) {
	if path := os.Getenv(EnvConfig); path != "" {
		return filepath.Abs(path)
	}
	start, err := os.Getwd()
	if err != nil {
		return "", yamlfile.Errors{{File: FileName, What: "can't be looked for: " + err.Error(), Next: "start from a folder that exists"}}
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, FileName)
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", yamlfile.Errors{{File: path, What: "can't be read: " + err.Error(), Next: "check its permissions"}}
		}
		if dir == filepath.Dir(dir) {
			return "", yamlfile.Errors{{
				File: filepath.Join(start, FileName), What: "there is no such file, here or in any folder above",
				Next: "start inside the checkout, or set " + EnvConfig + " to the file's path",
			}}
		}
	}
}

// Load reads a configuration file and applies the process's environment. The
// error is a yamlfile.Errors with everything that is wrong.
func Load(path string) (*Config, error) { return LoadEnv(path, os.LookupEnv) }

// LoadEnv is Load with an environment of the caller's.
func LoadEnv(path string, lookup func(string) (string, bool)) (*Config, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, yamlfile.Errors{{File: path, What: err.Error(), Next: "name the file by its absolute path"}}
	}
	data, err := yamlfile.Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, lookup)
}

// file mirrors ginkgo.yaml; pointers and strings tell what was left out.
type file struct {
	Target      string                 `json:"target"`
	Markers     string                 `json:"markers"`
	Runtime     string                 `json:"runtime"`
	Seed        int64                  `json:"seed"`
	Profile     string                 `json:"profile"`
	Level       string                 `json:"level"`
	Observe     string                 `json:"observe"`
	Repetitions map[string]Repetitions `json:"repetitions"`
	Runner      struct {
		Procs       int    `json:"procs"`
		Timeout     string `json:"timeout"`
		SpecTimeout string `json:"specTimeout"`
		LabelFilter string `json:"labelFilter"`
	} `json:"runner"`
	Report struct {
		Dir  string `json:"dir"`
		Keep *int   `json:"keep"`
	} `json:"report"`
	Compare struct {
		Alpha  float64 `json:"alpha"`
		Effect float64 `json:"effect"`
		Ratio  float64 `json:"ratio"`
		Shift  string  `json:"shift"`
		Memory int     `json:"memory"`
		Noise  float64 `json:"noise"`
	} `json:"compare"`
}

// Parse is LoadEnv on bytes; path stands for the file and its folder.
func Parse(path string, data []byte, lookup func(string) (string, bool)) (*Config, error) {
	var f file
	doc, err := yamlfile.ParseStrict(path, data, schema(), &f)
	if err != nil {
		return nil, err
	}
	c := defaults()
	c.Path, c.SHA256 = path, doc.SHA256
	set(&c.Target, f.Target)
	set(&c.Markers, f.Markers)
	set(&c.Runtime, f.Runtime)
	set(&c.Profile, f.Profile)
	set(&c.Level, f.Level)
	set(&c.Seed, f.Seed)
	set(&c.Runner.Procs, f.Runner.Procs)
	set(&c.Runner.LabelFilter, f.Runner.LabelFilter)
	set(&c.Report.Dir, f.Report.Dir)
	if f.Report.Keep != nil {
		c.Report.Keep = *f.Report.Keep
	}
	set(&c.Compare.Alpha, f.Compare.Alpha)
	set(&c.Compare.Effect, f.Compare.Effect)
	set(&c.Compare.Ratio, f.Compare.Ratio)
	set(&c.Compare.Memory, f.Compare.Memory)
	set(&c.Compare.Noise, f.Compare.Noise)
	for level, r := range f.Repetitions {
		d := c.Repetitions[level]
		set(&d.Drains, r.Drains)
		set(&d.Sweeps, r.Sweeps)
		set(&d.Refusals, r.Refusals)
		set(&d.Reverts, r.Reverts)
		set(&d.Rewrites, r.Rewrites)
		set(&d.Restarts, r.Restarts)
		c.Repetitions[level] = d
	}
	duration(doc, &c.Observe, f.Observe, yamlfile.At("observe"))
	duration(doc, &c.Runner.Timeout, f.Runner.Timeout, yamlfile.At("runner", "timeout"))
	duration(doc, &c.Compare.Shift, f.Compare.Shift, yamlfile.At("compare", "shift"))
	duration(doc, &c.Runner.SpecTimeout, f.Runner.SpecTimeout, yamlfile.At("runner", "specTimeout"))
	if where := yamlfile.At("runner", "specTimeout"); c.Runner.SpecTimeout > c.Runner.Timeout && doc.Has(where) {
		doc.Report(where, "one spec may take longer than the whole suite (runner.timeout "+c.Runner.Timeout.String()+")", "lower it, or raise runner.timeout")
	}
	dir := filepath.Dir(path)
	c.Target, c.Markers, c.Report.Dir = below(dir, c.Target), below(dir, c.Markers), below(dir, c.Report.Dir)

	problems := c.applyEnvironment(lookup)
	if err := doc.Err(); err != nil {
		var found yamlfile.Errors
		if !errors.As(err, &found) {
			return nil, err
		}
		problems = append(found, problems...)
	}
	if len(problems) == 0 && c.Target == "" {
		problems = yamlfile.Errors{{File: path, Line: 1, Col: 1, What: "no target is named", Next: "add target: PATH of a target file, or set " + EnvTarget}}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &c, nil
}

func set[T comparable](into *T, value T) {
	var zero T
	if value != zero {
		*into = value
	}
}

// duration takes a value that passed the schema; zero would mean "at once".
func duration(doc *yamlfile.Document, into *time.Duration, value string, at yamlfile.Path) {
	if value == "" {
		return
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		doc.Report(at, at.String()+" must be more than 0", `write a duration such as "2s"`)
		return
	}
	*into = d
}

// below makes a path of the file, which is relative to it, absolute.
func below(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
