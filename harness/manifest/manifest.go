package manifest

import (
	"bytes"
	_ "embed" // the templates
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// Layouts of a Job's pods.
const (
	// LayoutEngine has the suite use a container engine elsewhere; it can certify.
	LayoutEngine = "engine"
	// LayoutProcess has the suite run the gateway as its own child, in the gateway's image.
	LayoutProcess = "process"
	// LayoutSidecar has the probe beside a gateway that the kubelet started. Nothing of
	// this release drives it, so it is rendered suspended.
	LayoutSidecar = "sidecar"
)

// Layouts are all of them, the default first.
func Layouts() []string { return []string{LayoutEngine, LayoutProcess, LayoutSidecar} }

// Run is the run that is cut into parts.
type Run struct {
	Command string // certify or gate
	Shards  int    // parts, 1 or more
}

func (r Run) check() error {
	if r.Command != "certify" && r.Command != "gate" {
		return fmt.Errorf("%q makes no report; use certify or gate", r.Command)
	}
	if r.Shards < 1 {
		return fmt.Errorf("a run in %d parts is none; use 1 or more", r.Shards)
	}
	return nil
}

// Parts numbers the parts, from 1.
func (r Run) Parts() []int {
	var out []int
	for i := range r.Shards {
		out = append(out, i+1)
	}
	return out
}

// Workflow is what a GitHub Actions workflow needs to know.
type Workflow struct {
	Run
	Target  string // path of the target file in the calling repository
	Image   string // the gateway's image, as the target file names it
	Build   string // command that builds it in the calling repository
	Version string // branch, tag or commit of Drainproof
}

// Jobs are what Kubernetes needs to know.
type Jobs struct {
	Run
	Layout     string
	Seed       int64  // not 0
	TargetText string // the target file itself
	Image      string // of a release of Drainproof
	Gateway    string // the gateway's image; not for LayoutEngine, where the engine has it
	DockerHost string // LayoutEngine: where its engine is, tcp://...
	DockerCert string // LayoutEngine: Secret with ca.pem, cert.pem and key.pem; "": the engine is spoken to without TLS
	Claim      string // PersistentVolumeClaim that all pods can write, for the reports
	Name       string // of the Job
	Home       string // the gateway's home, for LayoutSidecar
}

// dnsLabel is what Kubernetes takes for the names of things.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$`)

func (j Jobs) check() error {
	if err := j.Run.check(); err != nil {
		return err
	}
	for _, c := range []struct {
		wrong bool
		what  string
	}{
		{!slices.Contains(Layouts(), j.Layout), fmt.Sprintf("there is no layout %q; use one of %s", j.Layout, strings.Join(Layouts(), ", "))},
		{j.Seed <= 0, "the parts of a run need a seed in common, above 0"},
		{j.Image == "", "the image of a Drainproof release is not named"},
		{!dnsLabel.MatchString(j.Name), fmt.Sprintf("%q is no name for a Job; use lower-case letters, digits and hyphens", j.Name)},
		{!dnsLabel.MatchString(j.Claim), fmt.Sprintf("%q is no name for a PersistentVolumeClaim; use lower-case letters, digits and hyphens", j.Claim)},
		{j.Layout == LayoutEngine && j.DockerHost == "", "the layout engine needs to know where its engine is, tcp://HOST:PORT"},
		{j.Layout == LayoutEngine && strings.HasPrefix(j.DockerHost, "ssh://"), "the release's image has no ssh; use an engine at tcp://HOST:PORT"},
		{j.Layout != LayoutEngine && j.Gateway == "", fmt.Sprintf("the layout %s needs the gateway's image", j.Layout)},
	} {
		if c.wrong {
			return errors.New(c.what)
		}
	}
	return nil
}

//go:embed github.yaml.tmpl
var githubText string

//go:embed kubernetes.yaml.tmpl
var kubernetesText string

// GitHub renders a workflow whose jobs run a part each, and one that joins them. The
// error is about what the user gave.
func GitHub(w Workflow) ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	if w.Target == "" || w.Image == "" {
		return nil, errors.New("the target file and the gateway's image must be named")
	}
	return render(githubText, w)
}

// Kubernetes renders a ConfigMap with the target file, an Indexed Job with a pod for each
// part, and a Job that joins them. The error is about what the user gave.
func Kubernetes(j Jobs) ([]byte, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	j.TargetText = strings.TrimRight(j.TargetText, "\n") + "\n"
	return render(kubernetesText, j)
}

// render fills in a template. Its marks are [[ ]], since workflows have {{ }} of their own.
func render(text string, data any) ([]byte, error) {
	t, err := template.New("manifest").Delims("[[", "]]").Funcs(template.FuncMap{"q": quoted, "indent": indent}).Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return out.Bytes(), err
}

// quoted makes a JSON string, which is one in YAML too, whatever is in it.
func quoted(s string) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// indent moves every line that is not empty to the right.
func indent(n int, s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimRight(line, "\r\n") != "" {
			out.WriteString(strings.Repeat(" ", n))
		}
		out.WriteString(line)
	}
	return out.String()
}
